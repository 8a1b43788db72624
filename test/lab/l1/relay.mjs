// relay.mjs TARGET SOCKET slow|stalled: a monitor socket with a bad line. slow: 512 bytes every 5 ms, both ways.
// stalled: the greeting comes through, and nothing after it.
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const [target, socket, manner] = process.argv.slice(2);

createServer((client) => {
  const monitor = connect(target);
  for (const end of [client, monitor]) end.on('error', () => undefined);
  if (manner === 'stalled') {
    monitor.once('data', (greeting) => client.write(greeting));
    client.resume();
  } else {
    void drip(client, monitor);
    void drip(monitor, client);
  }
  client.on('close', () => monitor.destroy());
}).listen(socket);

async function drip(from, to) {
  try {
    for await (const bytes of from) {
      for (let start = 0; start < bytes.length; start += 512) {
        to.write(bytes.subarray(start, start + 512));
        await sleep(5);
      }
    }
  } catch {
    // one end has gone: the other follows
  }
  to.end();
}
