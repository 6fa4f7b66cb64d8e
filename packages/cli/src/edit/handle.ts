import type { CollaborativeRequest } from './collaborative-request.js';
import type { ImagicRequest } from './imagic-request.js';
import type { PreparedImagic } from './prepare-imagic.js';
import type { bothRequests } from './requests.js';
import type { CollaborativeOutcome } from './run-collaborative.js';
import type { ImagicOutcome } from './run-imagic.js';

/** What an edit tells as JSON. */
interface EditResult {
  readonly command: string;
  readonly seed: number;
  readonly seconds: number;
  readonly device: string;
  readonly parts: readonly (Omit<ImagicOutcome, 'edited'> | CollaborativeOutcome)[];
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
  const { prepareImagic, runImagic, inSession } = await engineSide();
  const prepared = await prepareImagic(request);
  const result = await closing([prepared], () =>
    inSession(request, async (session) => {
      const { edited: _, ...outcome } = await runImagic(prepared, session);
      return { device: session.info.device, parts: [outcome] };
    }),
  );
  tell({ command: `edit ${request.modality}`, seed: request.seed, ...result }, began, output);
}

/** `codiff edit collaborative`. */
export async function handleCollaborative(request: CollaborativeRequest, output: Output): Promise<void> {
  const began = performance.now();
  const { prepareCollaborative, runCollaborative, inSession } = await engineSide();
  // Told once the engine runs: until then an error is all that is said.
  const notes: string[] = [];
  const prepared = await prepareCollaborative(request, (text) => notes.push(text));
  const result = await closing([prepared], () =>
    inSession(
      request,
      async (session) => {
        for (const text of notes) session.note(text);
        return { device: session.info.device, parts: [await runCollaborative(prepared, session)] };
      },
      { branches: prepared.model.conditions.length },
    ),
  );
  tell({ command: 'edit collaborative', seed: request.seed, ...result }, began, output);
}

/** `codiff edit both`. */
export async function handleBoth(requests: ReturnType<typeof bothRequests>, output: Output): Promise<void> {
  const began = performance.now();
  const { checkBranchFits, checkCollaborative, prepareImagic, runBoth, inSession } = await engineSide();
  // Before anything that takes long.
  const together = await checkCollaborative(requests.together);
  const text = await prepareImagic(requests.text);
  const result = await closing([text], async () => {
    checkBranchFits(text, requests.together.config.path, together);
    const mask = await prepareImagic(requests.mask);
    return closing([mask], async () => {
      checkBranchFits(mask, requests.together.config.path, together);
      return inSession(requests.text, async (session) => ({
        device: session.info.device,
        ...(await runBoth(text, mask, requests.together, session)),
      }));
    });
  });
  tell({ command: 'edit both', seed: requests.text.seed, ...result }, began, output);
}

/** Run something, and close what it has used. Folders that were made for nothing go. */
async function closing<T>(
  used: readonly Pick<PreparedImagic, 'folder' | 'open'>[],
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } finally {
    for (const { folder, open } of used) {
      await folder.discardIfEmpty();
      await open.weights.close();
    }
  }
}

function tell(result: Omit<EditResult, 'seconds'>, began: number, { json, quiet }: Output): void {
  const seconds = (performance.now() - began) / 1000;
  if (json) process.stdout.write(`${JSON.stringify({ ...result, seconds }, null, 1)}\n`);
  else if (!quiet) {
    for (const { images, folder } of result.parts) {
      const kept = images.kept > 0 ? `, ${images.kept} were there` : '';
      process.stdout.write(`${images.made} image${images.made === 1 ? '' : 's'} in ${folder}${kept}\n`);
    }
    process.stdout.write(`seed ${result.seed}, ${seconds.toFixed(1)} s\n`);
  }
}
