/** What a change of an argument of section 19.8 does, by target; the judge is argument-effects.test.ts. */

/**
 * `output`: other batches, files, pictures or settings (for one of both, that may be a refusal of what does not go together).
 * `same`: nothing, as the original says. `said`: accepted, and the run names it as an option that changes nothing here.
 * `refused`: a value for which the original only crashes, refused by name.
 */
export type Effect = 'output' | 'same' | 'said' | 'refused';

/** Overrides that change the argument, and those under which the change is to be seen; all below the subject's place. */
export interface Row {
  readonly argument: string;
  readonly change: string;
  readonly effect: Effect;
  readonly given: readonly string[];
}

const rows = (effect: Effect, ...lines: readonly (readonly [change: string, ...given: string[]])[]): Row[] =>
  lines.map(([change, ...given]) => ({ argument: change.split(/[=.]/)[0]!, change, effect, given }));

const words = (...lines: readonly string[]): string[] => lines.flatMap((line) => line.split(' '));

/** How rows are looked at: by the batches of all data sets, the pictures logged, or the settings of the run. */
export type View = 'batches' | 'pictures' | 'settings';

/** A target and a row for every argument that it has. */
export interface Subject {
  readonly target: string;
  /** Where its arguments stand in a config. */
  readonly at: string;
  readonly view: View;
  /** What section 19.8 lists; for callbacks of Lightning what its own documentation does. */
  readonly listed: readonly string[];
  readonly rows: readonly Row[];
}

const TRAIN = 'data.params.train.params';
const CALLBACKS = 'lightning.callbacks';

/** `FACES` and `OTHERS` stand for two data sets of different faces. */
const dataset = (root: string): string =>
  `{target: ldm.data.celebahq.CelebAConditionalDataset, params: {phase: test, test_dataset_size: 3, conditions: [seg_mask],
    image_folder: ${root}/image, text_file: ${root}/captions.json, mask_folder: ${root}/mask,
    im_preprocessor_config: {target: ldm.data.celebahq.DalleTransformerPreprocessor, params: {size: 32, phase: val}}}}`;

const CHECKPOINTS: readonly Row[] = [
  ...rows('output', ['monitor=val/loss'], ['save_top_k=3'], ['mode=max']),
  ...rows('same', ['verbose=false'], ['save_last=true'], ['save_weights_only=false'], ['every_n_epochs=1']),
  ...rows(
    'said',
    ['dirpath=elsewhere'],
    ['filename=epoch'],
    ['save_last=false'],
    ['save_weights_only=true'],
    ['every_n_epochs=2'],
    ['every_n_train_steps=5'],
  ),
  ...rows('refused', ['mode=median'], ['save_top_k=-2']),
];

const CHECKPOINT_ARGUMENTS = words(
  'dirpath filename monitor verbose save_last save_top_k save_weights_only mode every_n_train_steps every_n_epochs',
);

/** Every target of this package. */
export const SUBJECTS: readonly Subject[] = [
  {
    target: 'main.DataModuleFromConfig',
    at: 'data.params',
    view: 'batches',
    listed: words(
      'batch_size train validation test predict num_workers shuffle_val_dataloader shuffle_test_loader wrap',
      'use_worker_init_fn',
    ),
    rows: [
      ...rows(
        'output',
        ['batch_size=3'],
        ['train.params.image_folder=OTHERS/image'],
        ['validation='],
        [`test=${dataset('FACES')}`],
        [`predict=${dataset('OTHERS')}`],
        ['shuffle_val_dataloader=true'],
        ['shuffle_test_loader=true', `test=${dataset('FACES')}`],
      ),
      ...rows(
        'same',
        ['num_workers=1'],
        ['shuffle_test_loader=true'],
        ['wrap=true'],
        ['wrap=anything'],
        ['use_worker_init_fn=true'],
      ),
      ...rows('refused', ['batch_size=0'], ['batch_size='], ['num_workers=-1']),
    ],
  },
  {
    target: 'ldm.data.celebahq.CelebAConditionalDataset',
    at: TRAIN,
    view: 'batches',
    listed: words(
      'im_preprocessor_config phase test_dataset_size conditions image_folder text_file mask_folder sketch_folder',
    ),
    rows: [
      ...rows(
        'output',
        ['im_preprocessor_config.params.size=40'],
        ['phase=test'],
        ['test_dataset_size=3'],
        ['conditions=[seg_mask]'],
        ['conditions=[text, seg_mask, sketch]'],
        ['image_folder=OTHERS/image'],
        ['text_file=OTHERS/captions.json'],
        ['mask_folder=OTHERS/mask'],
        ['sketch_folder=OTHERS/sketch', 'conditions=[sketch]'],
      ),
      ...rows(
        'same',
        // Other names load nothing.
        ['conditions=[text, seg_mask, pose]'],
        ['sketch_folder=OTHERS/sketch'],
        ['mask_folder=OTHERS/mask', 'conditions=[text]'],
      ),
      ...rows('refused', ['im_preprocessor_config='], ['phase=val'], ['test_dataset_size=-1'], ['conditions=text']),
    ],
  },
  {
    target: 'ldm.data.celebahq.DalleTransformerPreprocessor',
    at: `${TRAIN}.im_preprocessor_config.params`,
    view: 'batches',
    listed: words('size phase additional_targets'),
    rows: [
      ...rows('output', ['size=40'], ['phase=val']),
      ...rows('same', ['phase=anything', 'phase=val'], ['additional_targets={mask: mask}']),
      ...rows('refused', ['size=0'], ['phase=1']),
    ],
  },
  {
    target: 'main.ImageLogger',
    at: `${CALLBACKS}.image_logger.params`,
    view: 'pictures',
    listed: words(
      'batch_frequency max_images clamp increase_log_steps rescale disabled log_first_step log_on_batch_idx',
      'log_images_kwargs',
    ),
    rows: [
      ...rows(
        'output',
        ['batch_frequency=3'],
        ['max_images=1'],
        ['clamp=false'],
        ['increase_log_steps=true'],
        ['rescale=false'],
        ['disabled=true'],
        ['max_images=0'],
        ['log_first_step=true'],
        ['log_on_batch_idx=true'],
        ['log_images_kwargs={only_inputs: true}'],
      ),
      ...rows('same', ['log_images_kwargs='], ['max_images=7']),
      ...rows('refused', ['batch_frequency=0'], ['max_images=-1'], ['log_images_kwargs=5']),
    ],
  },
  {
    target: 'main.SetupCallback',
    at: `${CALLBACKS}.setup_callback.params`,
    view: 'settings',
    listed: words('resume now logdir ckptdir cfgdir config lightning_config'),
    rows: rows(
      'same',
      ['resume=x'],
      ['now=x'],
      ['logdir=x'],
      ['ckptdir=x'],
      ['cfgdir=x'],
      ['config=x'],
      ['lightning_config=x'],
    ),
  },
  {
    target: 'main.LearningRateMonitor',
    at: `${CALLBACKS}.learning_rate_logger.params`,
    view: 'settings',
    listed: ['logging_interval'],
    rows: [
      ...rows('output', ['logging_interval=epoch']),
      ...rows('same', ['logging_interval=step'], ['logging_interval=']),
      ...rows('refused', ['logging_interval=batch']),
    ],
  },
  { target: 'main.CUDACallback', at: `${CALLBACKS}.cuda_callback.params`, view: 'settings', listed: [], rows: [] },
  {
    target: 'pytorch_lightning.callbacks.ModelCheckpoint',
    at: `${CALLBACKS}.checkpoint_callback.params`,
    view: 'settings',
    listed: CHECKPOINT_ARGUMENTS,
    rows: CHECKPOINTS,
  },
  {
    target: 'pytorch_lightning.loggers.TestTubeLogger',
    at: 'lightning.logger.params',
    view: 'settings',
    listed: words('name save_dir description debug version'),
    rows: [
      ...rows('output', ['version=3']),
      ...rows('same', ['name=testtube']),
      ...rows('said', ['name=other'], ['save_dir=elsewhere'], ['description=text'], ['debug=true']),
    ],
  },
];

/** `lightning.modelcheckpoint` goes before the callback of the same class. */
export const OVERRIDING: Subject = {
  target: 'pytorch_lightning.callbacks.ModelCheckpoint',
  at: 'lightning.modelcheckpoint.params',
  view: 'settings',
  listed: CHECKPOINT_ARGUMENTS,
  rows: CHECKPOINTS,
};

/** A change of an argument of `log_images`, by model; those without a model hold for both kinds. */
export interface PictureRow {
  readonly model: 'vae' | 'text' | 'codiff';
  readonly argument: string;
  readonly change: Readonly<Record<string, unknown>>;
  readonly effect: 'output' | 'same';
  readonly given: Readonly<Record<string, unknown>>;
}

/** The pictures that take longest are left out where the row is not about them. */
export const QUICK = { inpaint: false, plot_progressive_rows: false };

const pictures = (
  model: PictureRow['model'],
  effect: PictureRow['effect'],
  ...lines: readonly (readonly [argument: string, value: unknown])[]
): PictureRow[] =>
  lines.map(([argument, value]) => {
    const given = argument in QUICK ? {} : QUICK;
    return { model, argument, change: { [argument]: value }, effect, given };
  });

/** What section 19.8 lists of `log_images`. */
export const PICTURE_ARGUMENTS = words(
  'only_inputs N n_row sample ddim_steps ddim_eta return_keys inpaint plot_denoise_rows plot_progressive_rows',
  'plot_diffusion_rows quantize_denoised',
);

/** A row for each. */
export const PICTURE_ROWS: readonly PictureRow[] = [
  ...pictures('vae', 'output', ['only_inputs', true]),
  ...pictures('vae', 'same', ['only_inputs', false], ['N', 1], ['sample', false]),
  ...pictures(
    'text',
    'output',
    ['N', 1],
    ['n_row', 1],
    ['sample', false],
    ['ddim_steps', 2],
    ['ddim_steps', null],
    ['ddim_eta', 0],
    ['return_keys', ['samples']],
    ['inpaint', false],
    ['plot_denoise_rows', true],
    ['plot_progressive_rows', false],
    ['plot_diffusion_rows', false],
  ),
  ...pictures(
    'text',
    'same',
    ['only_inputs', true],
    ['quantize_denoised', true],
    ['anything', 1],
    ['inpaint', true],
    ['plot_progressive_rows', true],
    ['plot_denoise_rows', false],
  ),
  ...pictures(
    'codiff',
    'output',
    ['inpaint', true],
    ['plot_progressive_rows', true],
    ['ddim_eta', 0],
    ['return_keys', ['influence_text']],
    ['ddim_steps', null],
  ),
  ...pictures('codiff', 'same', ['inpaint', false], ['plot_progressive_rows', false], ['quantize_denoised', true]),
];
