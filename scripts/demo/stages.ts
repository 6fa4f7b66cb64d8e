/** One of the four trainings, in order. */
export interface Stage {
  readonly name: 'vae' | 'text' | 'mask' | 'codiff';
  /** Paths within the demo's folder, which are also those of the repository. */
  readonly config: string;
  readonly checkpoint: string;
  /** Optimizer steps with `--quick`; without it the config says how many. */
  readonly quickSteps: number;
}

const stage = (name: Stage['name'], file: string, quickSteps: number): Stage => ({
  name,
  config: `configs/${file}.yaml`,
  checkpoint: `pretrained/${file}.ckpt`,
  quickSteps,
});

/** The four trainings. A later one reads the checkpoints of those before it. */
export const STAGES: readonly Stage[] = [
  stage('vae', 'demo_vae', 40),
  stage('text', 'demo_text', 40),
  stage('mask', 'demo_mask', 40),
  stage('codiff', 'demo_codiff_mask_text', 20),
];

/** Config and checkpoint of the three models that make images. */
export type DemoModels = Readonly<Record<'text' | 'mask' | 'codiff', Pick<Stage, 'config' | 'checkpoint'>>>;

/** Those that the demo trains. */
export const trainedModels = (): DemoModels => {
  const [, text, mask, codiff] = STAGES;
  return { text: text!, mask: mask!, codiff: codiff! };
};

/** Config overrides that set how many faces are held out. */
export const heldOutOverrides = (count: number): string[] =>
  ['train', 'validation'].map((split) => `data.params.${split}.params.test_dataset_size=${count}`);

/** Config overrides that give a stage another number of steps, its schedule included. */
export function stepOverrides(steps: number): string[] {
  const schedule = 'model.params.scheduler_config.params';
  return [
    `lightning.trainer.max_steps=${steps}`,
    `lightning.trainer.log_every_n_steps=${Math.min(10, steps)}`,
    `${schedule}.cycle_lengths=[${steps}]`,
    `${schedule}.warm_up_steps=[${Math.min(20, Math.ceil(steps / 4))}]`,
  ];
}
