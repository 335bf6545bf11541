// Ends the program, a plugin or a policy pack when its engine is gone. A killed engine ends nothing that it started:
// plugins stay, and the SDK's runner waits in a loop that takes all memory (seen with SDK 3.270: 8 GB
// in half an hour, also before the program is loaded). So this is preloaded where that can be done,
// and the watch stands in a thread of its own, because the loop leaves no turn to timers. The thread
// holds a connection to the engine's port; the kernel closes it with the engine.
const { connect } = require('node:net');
const { isMainThread, Worker, workerData } = require('node:worker_threads');

const retryMilliseconds = 200;
const mark = Symbol.for('hummingbot-secrets.engine-watch');

/** The engine's address, which the runner and every plugin get as an argument. */
function engineAddress() {
  const [, script = '', ...args] = process.argv;
  if (/cmd[/\\]run[/\\]index\.js$/.test(script)) {
    const at = args.indexOf('--engine');
    if (at >= 0) return args[at + 1];
  }
  if (/cmd[/\\]run-policy-pack[/\\]index\.js$/.test(script)) {
    return args.find((each) => /:\d+$/.test(each));
  }
  if (/plugins[/\\]\w+[/\\]main\.ts$/.test(script)) return args.at(-1);
  return process.env.PULUMI_NODEJS_ENGINE;
}

function watch(host, port) {
  const socket = connect(port, host);
  let connected = false;
  socket.on('connect', () => {
    connected = true;
  });
  socket.on('error', () => {});
  // Unread, the end of a connection would never be seen, and the thread would run out of work.
  socket.resume();
  socket.on('close', () => {
    // The engine drops a silent connection after a while; a dead one takes no new one.
    if (connected) setTimeout(() => watch(host, port), retryMilliseconds);
    else process.kill(process.pid, 'SIGKILL');
  });
}

if (!isMainThread) {
  if (workerData?.[mark.description] !== undefined) {
    const address = workerData[mark.description];
    const at = address.lastIndexOf(':');
    watch(address.slice(0, at), Number(address.slice(at + 1)));
  }
} else if (!globalThis[mark]) {
  const address = engineAddress();
  if (address !== undefined && /:\d+$/.test(address)) {
    globalThis[mark] = true;
    const data = { [mark.description]: address };
    const options = { workerData: data, execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } };
    new Worker(__filename, options).unref();
  }
}
