require('../../runtime-check.cjs');
module.exports = import('../index.ts');
