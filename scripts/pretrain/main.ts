/** `npm run demo:train [-- stages and options]`: see options.ts. */
import { fileURLToPath } from 'node:url';
import { assemble } from './assemble.js';
import { parseOptions, USAGE } from './options.js';
import { pretrain } from './pretrain.js';
import { PretrainError, PretrainStopped } from './pretrain-error.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
try {
  const options = parseOptions(process.argv.slice(2));
  if (options === null) console.log(USAGE);
  else {
    process.chdir(root);
    const place = { root: '.', say: (line: string) => console.log(line) };
    if (options.assemble === null) await pretrain(options, place);
    else await assemble(options.assemble, place);
  }
} catch (error) {
  if (error instanceof PretrainStopped) {
    console.error(`${error.message}; the same command goes on there`);
    process.exitCode = 130;
  } else if (error instanceof PretrainError) {
    console.error(error.message);
    process.exitCode = 2;
  } else throw error;
}
