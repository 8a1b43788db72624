// record-qmp.mjs SOCKET SECONDS: waits so long for the driver, observes a VM with the built library and prints every command with its answer, as the unit
// tests replay them: [{execute, arguments, return | error}], in order.
import { connectQmp, observeUntilReady } from '/project/dist/index.js';

const client = await connectQmp({ path: process.argv[2] });
let record = [];
await observeUntilReady(
  {
    execute: (...args) => client.execute(...args),
    executeAll: async (commands, wait) => {
      if (commands[0]?.execute === 'query-version') record = [];
      const outcomes = await client.executeAll(commands, wait);
      commands.forEach((command, index) => {
        const outcome = outcomes[index];
        const { errorClass, description } = outcome.ok ? {} : outcome.error;
        record.push({
          ...command,
          ...(outcome.ok ? { return: outcome.value } : { error: { class: errorClass, desc: description } }),
        });
      });
      return outcomes;
    },
  },
  { memoryMap: true, waitMs: Number(process.argv[3]) * 1000 },
);
client.close();
process.stdout.write(`[\n${record.map((one) => JSON.stringify(one)).join(',\n')}\n]\n`);
