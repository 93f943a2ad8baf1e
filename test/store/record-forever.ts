// Records second after second into the history named by argv, from a first second on, and prints each, with what
// was dropped so far, once it is recorded. Problems are printed by their code.
import { writeSync } from 'node:fs';
import { timeMs } from '../../src/base/units.ts';
import { OperationError } from '../../src/model/errors.ts';
import { openHistory } from '../../src/store/io/history.ts';

const [file, first, seconds, series] = process.argv.slice(2);
const history = openHistory({
  file: file!,
  onProblem: (problem) =>
    writeSync(1, `${problem instanceof OperationError ? problem.code : String(problem)}\n`),
});
const last = Number(first) + Number(seconds);
for (let second = Number(first); second < last; second++) {
  const readings = Array.from({ length: Number(series) }, (_, i) => ({
    name: 'v',
    labels: { i: String(i) },
    // Too many digits to be small in the file.
    value: i === 0 ? second : Math.sqrt(second * 1000 + i),
  }));
  history.record(timeMs(1_800_057_600_000 + second * 1000), readings);
  writeSync(1, `ok ${second} ${history.droppedSamples}\n`);
}
history.close();
