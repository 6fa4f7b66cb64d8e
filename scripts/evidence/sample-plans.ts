import { fillFolder, missingBatches, type PlannedImage } from './image-folder.js';
import type { MethodSamplers } from './method-samplers.js';
import { effectiveMethod, STEP_COST, type WeighedMethod } from './methods.js';
import type { Pair } from './pairs.js';
import type { Session } from './session.js';
import { WorkLeft } from './work-left.js';

/** Images to make in one folder by one method. */
export interface FolderPlan {
  readonly folder: string;
  /** For the progress line. */
  readonly what: string;
  readonly method: WeighedMethod;
  readonly images: readonly PlannedImage[];
}

/** The first sample of each pair, then the second of the first `twice` pairs. */
export const samplesOf = (pairs: readonly Pair[], twice: number): PlannedImage[] => [
  ...pairs.map((pair) => ({ pair, sample: 0 })),
  ...pairs.slice(0, twice).map((pair) => ({ pair, sample: 1 })),
];

/** Units of {@link WorkLeft} that a step of one image takes. */
const costOf = (method: WeighedMethod): number => STEP_COST[effectiveMethod(method)];

/** Units of {@link WorkLeft} that plans take, where none of their images is there. */
export const unitsOf = (plans: readonly Omit<FolderPlan, 'folder' | 'what'>[], steps: number): number =>
  plans.reduce((sum, { images, method }) => sum + images.length * costOf(method) * steps, 0);

/**
 * Make the images of plans, one after the other. Images that are there are kept.
 * @param samplers of the session's model by default
 * @param later units that come after these plans, for the time left
 * @throws the signal's reason once it is aborted
 */
export async function samplePlans(
  session: Session,
  plans: readonly FolderPlan[],
  { samplers = session.samplers, later = 0 }: { samplers?: MethodSamplers; later?: number } = {},
): Promise<void> {
  const { sampling, line, isTTY, signal } = session;
  const missing = plans.map((plan) => ({
    ...plan,
    batches: missingBatches(plan.folder, plan.images, samplers.batchSize),
  }));
  const units = missing.reduce(
    (sum, { method, batches }) => sum + unitsOf([{ method, images: batches.flat() }], sampling.steps),
    later,
  );
  const work = new WorkLeft(units, line, isTTY);
  for (const { folder, what, method, images, batches } of missing) {
    if (batches.length === 0) continue;
    await fillFolder(samplers, { folder, method, batches, sampling, what, cost: costOf(method), work, signal });
    line.done(`${what.padEnd(22)} ${images.length} images, ${work.words()}`);
  }
}
