// The entry point that Pulumi.yaml names. The story is in index.ts; this file only makes sure
// that Node can read it.
import './runtime-check.cjs';

export default { ...(await import('./index.ts')) };
