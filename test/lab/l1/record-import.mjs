// record-import.mjs SOCKET PID: what a running VM is asked for its guest ABI, with its answers and its command line, as
// test/import/qmp.test.ts replays them: {arguments, exchanges: [{execute, arguments, return | error}], digest}.
import { connectQmp, importRunning, observeVm, readProcess } from '/project/dist/index.js';

const client = await connectQmp({ path: process.argv[2] });
const exchanges = [];
const executor = {
  execute: (...args) => client.execute(...args),
  executeAll: async (commands, wait) => {
    const outcomes = await client.executeAll(commands, wait);
    commands.forEach((command, index) => {
      const outcome = outcomes[index];
      const { errorClass, description } = outcome.ok ? {} : outcome.error;
      const answer = outcome.ok ? { return: outcome.value } : { error: { class: errorClass, desc: description } };
      exchanges.push({ ...command, ...answer });
    });
    return outcomes;
  },
};
const view = await readProcess(Number(process.argv[3]));
const observation = await observeVm(executor, { process: view });
const { configuration } = await importRunning(executor, observation, view.arguments);
client.close();
const lines = exchanges.map((one) => JSON.stringify(one)).join(',\n');
process.stdout.write(
  `{"digest": ${JSON.stringify(configuration.digest)},\n"arguments": ${JSON.stringify(view.arguments)},\n"exchanges": [\n${lines}\n]}\n`,
);
