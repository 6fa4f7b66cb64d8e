import { DRAWINGS as DRAWN } from './drawings.js';

/** The trainings behind the shipped weights, in the order in which they are done. */
export const STAGE_NAMES = ['encoder', 'vae', 'mask', 'text', 'codiff'] as const;
/** One of them. */
export type StageName = (typeof STAGE_NAMES)[number];

/** Stages that train an autoencoder. */
const AUTOENCODERS = ['encoder', 'vae'] as const;
/** One of them. */
export type AutoencoderStage = (typeof AUTOENCODERS)[number];
/** Whether a stage trains an autoencoder, not a diffusion model. */
export const isAutoencoder = (stage: StageName): stage is AutoencoderStage =>
  AUTOENCODERS.some((name) => name === stage);

/** Whether models read what a stage ships; the encoder's is where the next training begins. */
export const isRead = (stage: StageName): boolean => stage !== 'encoder';

/** Where the shipped weights, their records, configs and curves are, from the repository's root. */
export const SHIPPED = 'pretrained/demo';
/** Where those are that no model reads. */
export const BETWEEN = 'pretrained/demo_stages';
/** Batches of held-out faces behind each validation loss. */
export const VALIDATION_BATCHES = 20;
/** Where runs are. */
export const LOGS = 'logs';

/** What trains one of the models that ship. */
export interface PretrainStage {
  readonly name: StageName;
  /** The demo's own, of which the overrides change the length and the data. */
  readonly config: string;
  /** Optimizer steps, the schedule's included. */
  readonly steps: number;
  readonly seed: number;
  readonly precision: 'bfloat16' | '32';
  /** Stages whose artefacts this one reads. */
  readonly needs: readonly StageName[];
  /** Further overrides of the config. */
  readonly overrides: readonly string[];
}

/** The shipped file of a stage. @param ending of its name */
export const shippedFile = (
  stage: StageName,
  ending: 'safetensors' | 'json' | 'yaml' | 'svg' = 'safetensors',
): string => `${isRead(stage) ? SHIPPED : BETWEEN}/${stage}.${ending}`;

/**
 * The first hour decides what latents are, the second what is made of them: the decoder goes on, the encoder stays as it is to the
 * last bit. Rates are those of the config.
 */
const DECODER_ALONE =
  'lightning.learning_rates=[{match: "^(encoder|quant_conv)[.]", lr: null}, {match: ., lr: 1.0e-4}]';
const FIRST_STAGE = `model.params.first_stage_config.params.ckpt_path=${shippedFile('vae')}`;
/** Latents are made once; each step still draws anew from their posterior. */
const CACHED = 'data.cache_latents=true';
/** A mask says where things are, and cross-attention is all it has to say it by; the demo has no time for this. */
const ATTENDS = 'model.params.unet_config.params.attention_resolutions=[1,2]';
const MASKS = ['train', 'validation'].map((split) => `data.params.${split}.params.mask_folder=${DRAWN.masks}`);

/** No caption of the drawings has more tokens, those of its ends included; empty ones only thin out the others. */
const SHORT_TEXTS = 'model.params.cond_stage_config.params.max_seq_len=20';
/** Every difference between the trainings of the demo and those of the shipped weights is in this table. */
export const PRETRAIN_STAGES: readonly PretrainStage[] = [
  stage('encoder', 'demo_vae', 9000, [], []),
  stage('vae', 'demo_vae', 14000, ['encoder'], [`model.params.ckpt_path=${shippedFile('encoder')}`, DECODER_ALONE]),
  stage('mask', 'demo_mask', 8000, ['vae'], [...MASKS, CACHED, FIRST_STAGE, ATTENDS]),
  // In float32, a tenth slower: what one word changes is small beside what bfloat16 rounds.
  stage('text', 'demo_text', 18000, ['vae'], [CACHED, FIRST_STAGE, SHORT_TEXTS], '32'),
  stage(
    'codiff',
    'demo_codiff_mask_text',
    1500,
    ['vae', 'mask', 'text'],
    [
      ...MASKS,
      CACHED,
      // The branches as they were trained, whatever the demo's configs have become since.
      ...(['text', 'mask'] as const).flatMap((branch) => {
        const field = branch === 'mask' ? 'seg_mask' : branch;
        return [
          `model.params.${field}_ldm_config_path=${shippedFile(branch, 'yaml')}`,
          `model.params.${field}_ldm_ckpt_path=${shippedFile(branch)}`,
        ];
      }),
    ],
  ),
];

function stage(
  name: StageName,
  config: string,
  steps: number,
  needs: readonly StageName[],
  overrides: readonly string[],
  precision: PretrainStage['precision'] = 'bfloat16',
): PretrainStage {
  return { name, config: `configs/${config}.yaml`, steps, seed: 23, precision, needs, overrides };
}

/** The overrides of a stage's config, as the words of its command line. */
export function overridesOf({ steps, overrides }: PretrainStage): string[] {
  return [
    `model.params.scheduler_config.params.cycle_lengths=[${steps}]`,
    `lightning.trainer.max_steps=${steps}`,
    ...['train', 'validation'].flatMap((split) => [
      `data.params.${split}.params.image_folder=${DRAWN.images}`,
      `data.params.${split}.params.text_file=${DRAWN.captions}`,
      `data.params.${split}.params.test_dataset_size=${DRAWN.heldOut}`,
    ]),
    ...overrides,
  ];
}

/** The words after `codiff` that train a stage from its beginning. */
export function trainCommand(stage: PretrainStage): string[] {
  return [
    ...['train', '-b', stage.config, '-t', '--seed', String(stage.seed), '--precision', stage.precision],
    ...['--max_steps', String(stage.steps), '--name', runName(stage)],
    ...['--num_sanity_val_steps', '0', '--limit_val_batches', String(VALIDATION_BATCHES)],
    ...overridesOf(stage),
  ];
}

/** What {@link trainCommand} sets in the config by flags. */
export const flagOverrides = ({ steps, precision }: PretrainStage): string[] => [
  `lightning.trainer.max_steps=${steps}`,
  `lightning.trainer.precision=${precision}`,
  'lightning.trainer.num_sanity_val_steps=0',
  `lightning.trainer.limit_val_batches=${VALIDATION_BATCHES}`,
];

/** The words after `codiff` that go on with a run. */
export const resumeCommand = (run: string): string[] => ['train', '-t', '--resume', run];

/** How the folders of a stage's runs end. */
export const runName = ({ name }: Pick<PretrainStage, 'name'>): string => `pretrain_${name}`;

/** A command line as it is typed. */
export const commandLine = (words: readonly string[]): string =>
  ['npm run -s codiff --', ...words.map((word) => (/^[\w./:=-]+$/.test(word) ? word : `'${word}'`))].join(' ');
