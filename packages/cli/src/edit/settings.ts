import { z } from 'zod';
import { PRECISIONS, SEEDS } from '../generate/flags/common.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.strictObject({ path: z.string(), sha256 });
const stage = z.strictObject({ lr: z.number().positive(), iterations: z.int().min(0) });

/** Everything that decides what the two tuned stages of an edit come to. */
export const ImagicSettings = z.strictObject({
  /** Of the image: of its pixels. */
  image: file,
  text: z.string().optional(),
  /** Of the mask: of its classes. */
  mask: file.optional(),
  config: file,
  checkpoint: file,
  seed: z
    .int()
    .min(0)
    .max(SEEDS - 1),
  /** Every iteration draws by chance, so that nothing can be repeated. */
  setRandomSeed: z.boolean(),
  precision: z.enum(PRECISIONS),
  /** Stage A. */
  embedding: stage,
  /** Stage B. */
  weights: stage,
});

/** {@link ImagicSettings} of an edit. */
export type ImagicSettings = z.output<typeof ImagicSettings>;

/** The stages that take long, and are not run again without need. */
export type TunedStage = 'embedding' | 'weights';

/** What the files call a setting, and what flags call it. */
const NAMES: Readonly<Record<string, string>> = {
  text: 'the text',
  image: 'the image',
  mask: 'the mask',
  config: 'the config',
  checkpoint: 'the checkpoint',
  seed: '--seed',
  setRandomSeed: '--set_random_seed',
  precision: '--precision',
  'embedding.lr': '--stage1_lr',
  'embedding.iterations': '--stage1_num_iter',
  'weights.lr': '--stage2_lr',
  'weights.iterations': '--stage2_num_iter',
};

/**
 * What sets two edits apart, in words: `--seed was 0, is 1`. Files are compared by what they hold, not by where they are.
 * @param stage settings of later stages do not count
 */
export function differences(before: ImagicSettings, now: ImagicSettings, stage: TunedStage): string[] {
  const [old, current] = [before, now].map((settings) => flat(settings, stage));
  return [...new Set([...old!.keys(), ...current!.keys()])].flatMap((name) => {
    const [was, is] = [old!.get(name), current!.get(name)];
    if (was?.compared === is?.compared) return [];
    return [`${NAMES[name]} was ${was?.shown ?? 'not given'}, is ${is?.shown ?? 'not given'}`];
  });
}

function flat(
  { embedding, weights, ...settings }: ImagicSettings,
  stage: TunedStage,
): Map<string, { compared: unknown; shown: string }> {
  const tuned = { 'embedding.lr': embedding.lr, 'embedding.iterations': embedding.iterations };
  const later = stage === 'weights' ? { 'weights.lr': weights.lr, 'weights.iterations': weights.iterations } : {};
  const entries = Object.entries({ ...settings, ...tuned, ...later }).filter(([, value]) => value !== undefined);
  return new Map(
    entries.map(([name, value]) => [
      name,
      typeof value === 'object'
        ? { compared: value.sha256, shown: `${value.path} (SHA-256 ${value.sha256.slice(0, 12)})` }
        : { compared: value, shown: typeof value === 'string' ? `'${value}'` : String(value) },
    ]),
  );
}
