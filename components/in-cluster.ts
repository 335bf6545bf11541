/** What stands around a delivery in a cluster; loaded, with its SDK, only by stacks that need it. */
export { ClosedNamespace } from './access/namespace.ts';
export { Readers } from './access/rbac.ts';
export { Hummingbot } from './consumers/hummingbot.ts';
