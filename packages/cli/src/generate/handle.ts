import { isEditImage } from '../edit/edit-recipe.js';
import { UsageError } from '../usage-error.js';
import type { CommandDefaults, Request, RequestFlags } from './request.js';
import { requestOf } from './request.js';
import { rerunRequest } from './rerun-request.js';
import type { RunResult } from './run.js';

/** What every command of this kind is told besides its request. */
export interface HandledFlags extends RequestFlags {
  readonly from?: string | undefined;
  readonly json?: boolean | undefined;
}

/**
 * Run a command with its flags, and tell the result.
 * @param defaults of the command @param all of the commands whose images it runs again, the command itself among them
 */
export async function handle(
  defaults: CommandDefaults,
  flags: HandledFlags,
  all: readonly CommandDefaults[] = [defaults],
): Promise<void> {
  if (flags.from !== undefined && (await isEditImage(flags.from))) return handleEdit(flags.from, flags);
  const request =
    flags.from === undefined ? requestOf(defaults, flags) : await requestAgain(flags.from, defaults, flags, all);
  // The engine is loaded only now: --help and wrong flags need none of it.
  const { run } = await import('./run.js');
  const result = await run({ ...request, quiet: request.quiet || flags.json === true });
  if (flags.json) process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
  else if (!request.quiet) process.stdout.write(`${summary(result)}\n`);
}

/** An image of an edit is sampled again from what the edit has saved, whichever command is asked. */
async function handleEdit(image: string, flags: HandledFlags): Promise<void> {
  const { rerunEdit } = await import('../edit/rerun.js');
  const began = performance.now();
  const outcome = await rerunEdit(image, { ...flags, quiet: flags.quiet === true || flags.json === true });
  const seconds = (performance.now() - began) / 1000;
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...outcome, seconds }, null, 1)}\n`);
  else if (flags.quiet !== true) process.stdout.write(`${summary({ ...outcome, seconds, stepsPerSecond: 0 })}\n`);
}

async function requestAgain(
  image: string,
  defaults: CommandDefaults,
  flags: HandledFlags,
  all: readonly CommandDefaults[],
): Promise<Request> {
  const by = (command: string) => all.find((each) => each.command === command);
  const request = await rerunRequest(image, flags, (command) => by(command) ?? defaults);
  if (by(request.command)) return request;
  throw new UsageError(`${image} was made by ${request.command}; run 'codiff ${request.command} --from ${image}'`);
}

function summary(result: Pick<RunResult, 'images' | 'folder' | 'seed' | 'seconds' | 'stepsPerSecond'>): string {
  const { images, folder, seed, seconds, stepsPerSecond } = result;
  const speed = stepsPerSecond === 0 ? '' : `, ${stepsPerSecond.toFixed(2)} steps/s`;
  return `${images} image${images === 1 ? '' : 's'} in ${folder} (seed ${seed}, ${seconds.toFixed(1)} s${speed})`;
}
