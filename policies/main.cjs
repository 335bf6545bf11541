// What Pulumi starts. It would have ts-node read TypeScript, which Node reads itself.
require('../runtime-check.cjs');
module.exports = import('./index.ts');
