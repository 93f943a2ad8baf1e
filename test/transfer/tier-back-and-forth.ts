// Moves every file of a folder to a tier and back, for ever, and says each step: to be killed.
import { relocate } from '../../src/transfer/io/relocate.ts';
import { scanTiers } from '../../src/transfer/io/scan-tiers.ts';

const [root = '', ...folders] = process.argv.slice(2);
const places = folders.map((folder, i) => ({ name: `t${i}`, folder, compress: i % 2 === 1 }));
for (let round = 0; ; round++) {
  // Into each tier, from one to the next, and back.
  const to = [...places, undefined][round % (places.length + 1)];
  const { files } = await scanTiers(root, places);
  for (const file of files) {
    if (file.place?.name === to?.name) continue;
    await relocate(root, file, to);
    process.stdout.write('.');
  }
}
