/** `npm run fuzz -- checkpoints [--count 20000] [--seed 1] [--from 0]`: mutated files of every format; fails on any crash. */
import { parseArgs } from 'node:util';
import { FORMATS, fuzzCheckpoints } from './checkpoints.js';

const USAGE = 'usage: npm run fuzz -- checkpoints [--count N] [--seed N] [--from CASE] [--format FORMAT]';

/** What the command line asks for; ends the process where it makes no sense, or where help was asked for. */
function given() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        count: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
        from: { type: 'string', default: '0' },
        format: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (!parsed.values.help) return parsed;
    console.log(USAGE);
    return process.exit(0);
  } catch (error) {
    console.error(`fuzz: ${error instanceof Error ? error.message : error}\n${USAGE}`);
    return process.exit(2);
  }
}

const { values, positionals } = given();
const [what] = positionals;
const [count, seed, from] = [Number(values.count), Number(values.seed), Number(values.from)];
const numbersFit =
  Number.isInteger(count) && count > 0 && Number.isInteger(seed) && Number.isInteger(from) && from >= 0;
if (what !== 'checkpoints' || positionals.length !== 1 || !numbersFit) {
  console.error(USAGE);
  process.exit(2);
}
const chosen = FORMATS.filter((format) => values.format === undefined || values.format === format);
if (chosen.length === 0) {
  console.error(`fuzz: no format '${values.format}'; there are ${FORMATS.join(', ')}`);
  process.exit(2);
}
for (const format of chosen) {
  const start = performance.now();
  const report = await fuzzCheckpoints(format, count, seed, from);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const grown = Math.round(report.peakGrowthBytes / 2 ** 20);
  console.log(
    `${format}: ${report.cases} files, ${report.failures.length} crashes or limits exceeded; ${report.refused} refused as files, ` +
      `${report.unfit} as weights, ${report.loaded} loaded; slowest ${report.slowestMs.toFixed(0)} ms, memory +${grown} MiB, ${seconds} s`,
  );
  for (const failure of report.failures.slice(0, 20)) console.error(failure);
  if (report.failures.length > 0) process.exitCode = 1;
}
