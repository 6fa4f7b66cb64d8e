/** `npm run evidence [-- --quick]`: see options.ts. */
import { fileURLToPath } from 'node:url';
import { EvidenceError, EvidenceStopped } from './evidence-error.js';
import { parseOptions, USAGE } from './options.js';
import { runEvidence } from './run.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
try {
  const options = parseOptions(process.argv.slice(2), root);
  if (options === null) console.log(USAGE);
  else process.exitCode = await runEvidence(options, process.stdout);
} catch (error) {
  if (error instanceof EvidenceStopped) {
    console.error(`${error.message}; the same command goes on there`);
    process.exitCode = 130;
  } else if (error instanceof EvidenceError) {
    console.error(error.message);
    process.exitCode = 2;
  } else throw error;
}
