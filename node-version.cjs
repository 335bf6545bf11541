// Loaded before any TypeScript, in plain old JavaScript, so that a Node that cannot strip types
// ends in one line instead of a syntax error. https://nodejs.org/api/typescript.html
var need = [22, 18];
var have = process.versions.node.split('.').map(Number);
if (have[0] < need[0] || (have[0] === need[0] && have[1] < need[1])) {
  process.stderr.write(
    'hummingbot-secrets: got Node ' +
      process.versions.node +
      '; allowed: Node >= ' +
      need.join('.') +
      '; fix: run it through npm after `npm ci` (npm start, npm run pulumi -- up), which brings Node 24\n',
  );
  process.exit(1);
}
