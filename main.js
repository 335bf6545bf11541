// The entry point that Pulumi.yaml names. The story is in index.ts; this file makes sure
// that Node can read it, and that it ends with its engine.
import './runtime-check.cjs';
import './engine-watch.cjs';

export default { ...(await import('./index.ts')) };
