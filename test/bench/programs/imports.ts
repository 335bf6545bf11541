/** Floor 2: a program that imports the packages that the real one imports, and registers nothing. */
import '@pulumi/pulumi';
import '@pulumi/random';
import '@scure/base';
import 'fastest-levenshtein';
import 'yaml';
