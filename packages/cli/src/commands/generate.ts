import type { CommandModule } from 'yargs';
import { addedFlags, negativeFlags, originalFlags } from '../generate/flags/common.js';
import { type Given, text, yesNo } from '../generate/flags/values.js';
import { handle } from '../generate/handle.js';
import type { CommandDefaults } from '../generate/request.js';
import { mask2imageDefaults } from './mask2image.js';
import { text2imageDefaults } from './text2image.js';

/** What `generate.py` does where flags say nothing. */
const defaults: CommandDefaults & { readonly text: string; readonly mask: string } = {
  command: 'generate',
  config: 'configs/512_codiff_mask_text.yaml',
  checkpoint: 'pretrained/512_codiff_mask_text.ckpt',
  folder: 'outputs/inference_512_codiff_mask_text',
  text: text2imageDefaults.text,
  mask: mask2imageDefaults.mask,
  mixed: false,
};

const flags = {
  mask_path: text('mask_path', { describe: 'face mask: a palette PNG', defaultDescription: defaults.mask }),
  sketch_path: text('sketch_path', {
    describe: 'sketch, for models of three modalities: a .pt tensor [1,1024], or a picture',
  }),
  input_text: text('input_text', { describe: 'what to show', defaultDescription: defaults.text }),
  ...originalFlags(defaults),
  return_influence_function: yesNo('return_influence_function', {
    describe: 'write the influence of mask and text in every step too',
    defaultDescription: '0',
  }),
  save_mixed: yesNo('save_mixed', { describe: 'write images over their mask too', defaultDescription: '0' }),
  ...negativeFlags,
  ...addedFlags,
  // Flags of older states of the original, which read neither.
  mask_dir: text('mask_dir', { describe: 'accepted; never had an effect', hidden: true }),
  sum_unet_outputs: yesNo('sum_unet_outputs', { describe: 'accepted; never had an effect', hidden: true }),
};

/** `codiff generate`, once called `generate_512`: faces from a mask and a text that collaborate. */
export const generateCommand: CommandModule<object, Given<typeof flags>> = {
  command: ['generate', 'generate_512'],
  describe: 'make images from a mask and a text together',
  builder: (yargs) =>
    yargs
      .options(flags)
      .example('$0 generate --mask_path test_data/demo/mask_512.png --input_text "This woman is in her forties."', '')
      .example('$0 generate --ddim_steps 10 --batch_size 1 --return_influence_function 1 --display_x_inter 1', '')
      .example('$0 generate --from outputs/.../000000_x_0.png', 'the same batch again, whichever command made it'),
  handler: ({ mask_dir: _, sum_unet_outputs: __, ...given }) =>
    handle(defaults, given, [defaults, text2imageDefaults, mask2imageDefaults]),
};
