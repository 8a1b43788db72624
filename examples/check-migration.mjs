// Which of these hosts may a guest go to, and what would make more of them fit?
// node examples/check-migration.mjs GUEST SOURCE-REPORT DESTINATION-REPORT..
import { readFileSync } from 'node:fs';
import { baseline, checkMigration, parseReports, readGuestConfiguration } from 'vdpa-qemu';

const [guest, ...files] = process.argv.slice(2);
if (files.length < 2) {
  console.error('usage: node examples/check-migration.mjs GUEST SOURCE-REPORT DESTINATION-REPORT..');
  process.exit(2);
}
const reports = (await Promise.all(files.map((file) => parseReports(readFileSync(file, 'utf8'), file)))).flat();
const [from, ...to] = reports;

const { configuration, findings } = readGuestConfiguration(readFileSync(guest, 'utf8'), {
  file: guest,
  reports,
  on: from.host.name,
});
if (!configuration) {
  for (const { severity, message } of findings) console.error(`${severity}: ${message}`);
  process.exit(2);
}

for (const { host, verdict, summary } of checkMigration(configuration, to, { from }).destinations) {
  console.log(`${host}: ${verdict}: ${summary}`);
}
for (const { host, command } of baseline(reports, ['net']).classes.flatMap(({ provisioning }) => provisioning)) {
  console.log(`on ${host}: ${command}`);
}
