import type { CollaborativeRequest } from './collaborative-request.js';
import type { ImagicRequest } from './imagic-request.js';
import type { bothRequests } from './requests.js';
import type { CollaborativeOutcome } from './run-collaborative.js';
import type { ImagicOutcome } from './run-imagic.js';

/** What an edit tells as JSON. */
interface EditResult {
  readonly command: string;
  /** Of the first part. */
  readonly seed: number;
  readonly seconds: number;
  readonly device: string;
  readonly parts: readonly (Omit<ImagicOutcome, 'firstStage'> | CollaborativeOutcome)[];
}

/** How it is told. */
interface Output {
  readonly quiet?: boolean | undefined;
  readonly json?: boolean | undefined;
}

// The engine is loaded only where it is used: --help and wrong flags need none of it.
const engineSide = () => import('./engine-side.js');

/** `codiff edit text` and `codiff edit mask`. */
export async function handleImagic(request: ImagicRequest, output: Output): Promise<void> {
  const began = performance.now();
  const { prepareImagic, runImagic, inSession, closing } = await engineSide();
  const prepared = await prepareImagic(request);
  const { device, part } = await closing([prepared], () =>
    inSession(request, async (session) => ({
      device: session.info.device,
      part: await runImagic(prepared, session),
    })),
  );
  tell({ command: `edit ${request.modality}`, device, parts: [part] }, began, output);
}

/** `codiff edit collaborative`. */
export async function handleCollaborative(request: CollaborativeRequest, output: Output): Promise<void> {
  const began = performance.now();
  const { device, part } = await collaborate(request);
  tell({ command: 'edit collaborative', device, parts: [part] }, began, output);
}

/** `codiff edit both`. */
export async function handleBoth(requests: ReturnType<typeof bothRequests>, output: Output): Promise<void> {
  const began = performance.now();
  const { tuneApart } = await engineSide();
  const { parts } = await tuneApart(requests);
  const [text, mask] = parts;
  const folderOf = ({ folder }: ImagicOutcome) => ({ path: folder, isDefault: false });
  const together = { ...requests.together, text: folderOf(text), mask: folderOf(mask) };
  const { device, part } = await collaborate(together, text.seed);
  tell({ command: 'edit both', device, parts: [text, mask, part] }, began, output);
}

/** Both models of a step side by side. @param seed where neither the request nor an earlier run of the same edit has one */
async function collaborate(request: CollaborativeRequest, seed?: number) {
  const { prepareCollaborative, runCollaborative, inSession, closing } = await engineSide();
  // Told once the engine runs: until then an error is all that is said.
  const notes: string[] = [];
  const note = (text: string) => void notes.push(text);
  const prepared = await prepareCollaborative(request, note, seed === undefined ? undefined : () => seed);
  return closing([prepared], () =>
    inSession(
      request,
      async (session) => {
        for (const text of notes) session.note(text);
        return { device: session.info.device, part: await runCollaborative(prepared, session) };
      },
      { branches: prepared.model.conditions.length },
    ),
  );
}

function tell(result: Omit<EditResult, 'seconds' | 'seed'>, began: number, { json, quiet }: Output): void {
  const seconds = (performance.now() - began) / 1000;
  if (json) {
    const { command, ...others } = result;
    process.stdout.write(`${JSON.stringify({ command, seed: result.parts[0]!.seed, ...others, seconds }, null, 1)}\n`);
  } else if (!quiet) {
    for (const { images, folder, seed } of result.parts) {
      const kept = images.kept > 0 ? `, ${images.kept} were there` : '';
      process.stdout.write(`${images.made} image${images.made === 1 ? '' : 's'} in ${folder} (seed ${seed})${kept}\n`);
    }
    process.stdout.write(`${seconds.toFixed(1)} s\n`);
  }
}
