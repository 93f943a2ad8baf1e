// A daemon to be killed: opens a driver on the folder, starts the scripts and waits for ever.
import { openLocalDriver } from '../../src/execution/io/local/driver.ts';
import { attemptStart, id } from './rig.ts';

const [stateDir, ...scripts] = process.argv.slice(2);
const driver = await openLocalDriver(
  {
    stateDir: stateDir!,
    enforcement: 'unprivileged',
    onReport: (report) => process.stdout.write(`${report.kind}\n`),
  },
  { warn: () => {} },
);
scripts.forEach((run, n) => {
  driver.start(attemptStart(id(n), { run }));
});
