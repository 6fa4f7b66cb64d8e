/** What a change of an argument of sections 19.2 and 19.3 does, by target; the judge is argument-effects.test.ts. */
import { COMPOSE_TARGETS } from '../src/index.js';

/**
 * `keys`: other declared parameters (names, shapes, first values). `output`: the same parameters, other numbers or another
 * choice of results (for one of both, that may be the refusal of arguments that do not go together). `elsewhere`: the
 * checked config carries it to the trainer, whose table shows the effect. `same`: nothing, as the original says. `refused`:
 * a value for which the original only crashes, refused by name.
 */
export type Effect = 'keys' | 'output' | 'elsewhere' | 'same' | 'refused';

/** Overrides that change the argument, and those under which the change is to be seen. */
export interface Row {
  readonly argument: string;
  readonly change: readonly string[];
  readonly effect: Effect;
  readonly given: readonly string[];
}

const rows = (effect: Effect, ...lines: readonly (readonly [change: string, ...given: string[]])[]): Row[] =>
  lines.map(([change, ...given]) => ({
    argument: change.split('=')[0]!.split('.')[0]!,
    change: [change],
    effect,
    given,
  }));

const UNET = 'compose_unet_config.params';
const COND_STAGE = 'compose_cond_stage_config.params';
const ALL = '[seg_mask, text, sketch]';
const SKETCH = 'sketch_ldm_config_path=sketch.yaml';
/** What a third modality takes. */
const THREE = [`conditions=${ALL}`, `${UNET}.conditions=${ALL}`, `${COND_STAGE}.conditions=${ALL}`, SKETCH];
const without = (start: string): string[] => THREE.filter((change) => !change.startsWith(start));
const CKPT = 'ckpt_path=some.ckpt';
const SCHEDULE =
  '{target: ldm.lr_scheduler.LambdaLinearScheduler, params: {warm_up_steps: [1], f_min: [1], f_max: [1], f_start: [1], cycle_lengths: [5]}}';

/** Rows of one target. Those of a part are changes of the part's own arguments. */
export interface Subject {
  readonly target: string;
  /** Where the target's arguments stand below the model's. */
  readonly at: string;
  /** What section 19 lists. */
  readonly listed: readonly string[];
  /** Arguments that the original does not have. */
  readonly ours?: readonly string[];
  readonly rows: readonly Row[];
}

/** The collaborative model and its parts. */
export const SUBJECTS: readonly Subject[] = [
  {
    target: COMPOSE_TARGETS.latentDiffusionCompose,
    at: '',
    listed: [
      // 19.2
      'first_stage_config cond_stage_config conditioning_key concat_mode conditions text_ldm_config_path text_ldm_ckpt_path',
      'seg_mask_ldm_config_path seg_mask_ldm_ckpt_path sketch_ldm_config_path sketch_ldm_ckpt_path compose_unet_config',
      'compose_cond_stage_config cond_stage_trainable use_ema learn_logvar unet_config',
      // 19.1
      'timesteps num_timesteps_cond cond_stage_key cond_stage_forward scale_factor scale_by_std ckpt_path ignore_keys',
      'load_only_unet beta_schedule linear_start linear_end cosine_s given_betas v_posterior original_elbo_weight',
      'l_simple_weight loss_type parameterization logvar_init monitor first_stage_key image_size channels log_every_t',
      'clip_denoised scheduler_config use_positional_encodings',
    ].flatMap((line) => line.split(' ')),
    rows: [
      { argument: 'conditions', change: without(SKETCH), effect: 'keys', given: [SKETCH] },
      {
        argument: 'compose_unet_config',
        change: [`${UNET}.${'conditions'}=${ALL}`],
        effect: 'output',
        given: without(UNET),
      },
      { argument: 'compose_cond_stage_config', change: [THREE[2]!], effect: 'output', given: without(COND_STAGE) },
      ...rows(
        'keys',
        ['text_ldm_config_path=deep.yaml'],
        ['seg_mask_ldm_config_path=sketch_deep.yaml'],
        ['sketch_ldm_config_path=sketch_deep.yaml', ...THREE],
        [`${UNET}.confidence_map_predictor_config.params.num_res_blocks=2`],
        ['timesteps=2000'],
        ['use_ema=true'],
        ['scale_by_std=true', 'scale_factor=1'],
        ['beta_schedule=cosine'],
        ['linear_start=1e-3'],
        ['linear_end=0.1'],
        ['cosine_s=0.1', 'beta_schedule=cosine'],
        ['v_posterior=0.5'],
      ),
      ...rows(
        'output',
        ['text_ldm_ckpt_path=text.ckpt'],
        ['seg_mask_ldm_ckpt_path=mask.ckpt'],
        ['sketch_ldm_ckpt_path=sketch.ckpt', ...THREE],
        [CKPT],
        ['ignore_keys=[model]', CKPT],
        ['num_timesteps_cond=5'],
        ['scale_factor=0.25'],
        ['original_elbo_weight=1'],
        ['l_simple_weight=2'],
        ['loss_type=l1'],
        ['parameterization=x0'],
        ['logvar_init=1'],
      ),
      ...rows(
        'elsewhere',
        ['cond_stage_key=conditions'],
        ['first_stage_key=picture'],
        ['monitor=val/loss_simple'],
        ['image_size=64'],
        ['channels=4'],
        ['log_every_t=50'],
        [`scheduler_config=${SCHEDULE}`],
        // Both names of the one method that the encoders have.
        ['cond_stage_forward=forward'],
      ),
      ...rows(
        'same',
        ['first_stage_config={target: nowhere}'],
        ['cond_stage_config={target: nowhere}'],
        ['conditioning_key=anything'],
        ['concat_mode=false'],
        // Only where encoders run; they never train.
        ['cond_stage_trainable=false'],
        ['load_only_unet=true'],
        ['clip_denoised=false'],
        ['ignore_keys=[model]'],
        ['linear_start=1e-3', 'beta_schedule=cosine'],
        // Without a sketch among the conditions.
        [SKETCH],
        ['sketch_ldm_ckpt_path=sketch.ckpt'],
      ),
      ...rows(
        'refused',
        ['unet_config={}'],
        ['learn_logvar=true'],
        ['text_ldm_config_path='],
        ['seg_mask_ldm_config_path='],
        ['conditions=[text]'],
        ['given_betas=[0.1, 0.2]'],
        ['use_positional_encodings=true'],
        ['cond_stage_forward=embed'],
        ['parameterization=v'],
        ['loss_type=huber'],
        ['num_timesteps_cond=1001'],
      ),
    ],
  },
  {
    target: COMPOSE_TARGETS.composeUnet,
    at: UNET,
    listed: [
      'confidence_map_predictor_config confidence_conditioning_key confidence_input seg_mask_scale_factor',
      'seg_mask_schedule softmax_twice boost_factor manual_prob return_confidence_map return_each_branch conditions',
    ].flatMap((line) => line.split(' ')),
    ours: ['influence'],
    rows: [
      ...rows('keys', ['confidence_map_predictor_config.params.num_res_blocks=2']),
      { argument: 'conditions', change: [`conditions=${ALL}`], effect: 'output', given: without(UNET) },
      ...rows(
        'output',
        ['confidence_input=unet_output'],
        ['seg_mask_scale_factor=2'],
        ['seg_mask_schedule=linear_decay'],
        ['seg_mask_schedule=cosine_decay'],
        ['softmax_twice=true'],
        ['boost_factor=3', 'softmax_twice=true'],
        ['manual_prob=-1', 'seg_mask_scale_factor=2'],
        ['return_confidence_map=true'],
        ['return_each_branch=true'],
        // Of 32 channels each is a group of its own, and its norm takes away what a timestep adds.
        ['influence={constant_over: time}', 'confidence_map_predictor_config.params.model_channels=64'],
        ['influence={constant_over: space}'],
      ),
      ...rows(
        'same',
        ['boost_factor=3'],
        ['manual_prob=-1'],
        ['manual_prob=0.6', 'seg_mask_scale_factor=2'],
        ['confidence_conditioning_key=crossattn'],
        ['conditions=[text, seg_mask]'],
      ),
      ...rows(
        'refused',
        ['confidence_map_predictor_config='],
        ['confidence_conditioning_key=concat'],
        ['confidence_input=x_0'],
        ['seg_mask_schedule=cosine'],
        ['conditions=[text, sketch]'],
      ),
    ],
  },
  {
    target: COMPOSE_TARGETS.composeCondStage,
    at: COND_STAGE,
    listed: ['conditions'],
    rows: [
      { argument: 'conditions', change: [`conditions=${ALL}`], effect: 'output', given: without(COND_STAGE) },
      ...rows('same', ['conditions=[text, seg_mask]']),
      ...rows('refused', ['conditions=[text]']),
    ],
  },
];

/** The confidence sampler, which no config names: its options as the original calls them. */
export const SAMPLER: Omit<Subject, 'at'> = {
  target: 'ldm.models.diffusion.ddim_confidence.DDIMConfidenceSampler',
  listed: [
    'schedule seg_mask_scale_factor seg_mask_schedule softmax_twice boost_factor manual_prob return_confidence_map',
    'return_each_branch conditions',
  ].flatMap((line) => line.split(' ')),
  rows: [
    ...rows(
      'output',
      ['seg_mask_scale_factor=1'],
      ['seg_mask_scale_factor='],
      ['seg_mask_schedule=linear_decay'],
      ['seg_mask_schedule='],
      ['softmax_twice=true'],
      ['boost_factor=3', 'softmax_twice=true'],
      ['manual_prob=-1'],
      ['manual_prob=0.5'],
      ['return_confidence_map=true'],
      ['return_each_branch=true', 'return_confidence_map=true'],
      ['conditions=[seg_mask, text, sketch]', 'return_confidence_map=true'],
    ),
    ...rows('same', ['schedule=cosine'], ['boost_factor=3'], ['verbose=true'], ['conditions=[seg_mask, text, sketch]']),
    ...rows('refused', ['return_each_branch=true'], ['seg_mask_schedule=cosine'], ['conditions=[sketch]']),
  ],
};
