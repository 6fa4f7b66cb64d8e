/** `npm run demo [-- --quick | --pretrained]`: see options.ts. */
import { fileURLToPath } from 'node:url';
import { PretrainError } from '../pretrain/pretrain-error.js';
import { DemoUsageError, parseOptions, USAGE } from './options.js';
import { runPretrained } from './pretrained.js';
import { runDemo } from './run.js';
import { DemoStopped } from './train-stage.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
try {
  const options = parseOptions(process.argv.slice(2), root);
  if (options === null) console.log(USAGE);
  else if (options.mode === 'pretrained') await runPretrained(options, { root, screen: process.stdout });
  else process.exitCode = await runDemo(options, { root, screen: process.stdout });
} catch (error) {
  if (error instanceof DemoStopped) {
    console.error(`${error.message}; the same command goes on there`);
    process.exitCode = 130;
  } else if (error instanceof DemoUsageError || error instanceof PretrainError) {
    console.error(error.message);
    process.exitCode = 2;
  } else throw error;
}
