// The entry point that Pulumi.yaml names. The story is in index.ts; this file makes sure
// that Node can read it, that it ends with its engine, and that no value reaches a debug log.
import './runtime-check.cjs';
import './engine-watch.cjs';
import './debug-log.cjs';

export default { ...(await import('./index.ts')) };
