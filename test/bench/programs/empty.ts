/** Floor 1: a program that does nothing; what is left is Node, Pulumi's SDK and the runner. */
export {};
