/** Is told to end while a queued call, which nobody waits for, would go on. */
import { writeSync } from 'node:fs';
import { endWith } from '../../src/exit.js';
import type { Runtime } from '../../src/runtime.js';

const runtime = { drain: () => writeSync(1, 'waited\n') };
endWith(runtime as object as Runtime);
process.on('exit', () => writeSync(1, 'first handler\n'));
process.on('exit', () => writeSync(1, 'second handler\n'));
process.exit(7);
