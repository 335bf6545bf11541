// Loaded before any TypeScript, in plain old JavaScript, so that a Node that cannot strip types, or
// a checkout without its packages, ends in one line. https://nodejs.org/api/typescript.html
var fs = require('fs');
var path = require('path');

function end(got, allowed, fix) {
  process.stderr.write(
    'hummingbot-secrets: got ' + got + '; allowed: ' + allowed + '; fix: ' + fix + '\n',
  );
  process.exit(1);
}

var need = [22, 18];
var have = process.versions.node.split('.').map(Number);
if (!fs.existsSync(path.join(__dirname, 'node_modules', '@pulumi', 'pulumi'))) {
  end('no packages in node_modules', 'those of package-lock.json', 'npm ci');
}
if (have[0] < need[0] || (have[0] === need[0] && have[1] < need[1])) {
  end(
    'Node ' + process.versions.node,
    'Node >= ' + need.join('.'),
    'run it through npm after `npm ci` (npm start, npm run pulumi -- up), which brings Node 24',
  );
}

// Types are stripped once, not by each command; as operations/engine/workspace.ts has it for the engine.
var cache = process.env.XDG_CACHE_HOME || path.join(require('os').homedir(), '.cache');
require('module').enableCompileCache(path.join(cache, 'hummingbot-secrets', 'node-compile-cache'));
