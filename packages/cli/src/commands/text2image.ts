import type { CommandModule } from 'yargs';
import { addedFlags, freeUFlags, negativeFlags, originalFlags } from '../generate/flags/common.js';
import { type Given, text, yesNo } from '../generate/flags/values.js';
import { handle } from '../generate/handle.js';
import type { CommandDefaults } from '../generate/request.js';

/** What `text2image.py` and `freeu/text2image_freeu.py` do where flags say nothing. */
export const text2imageDefaults: CommandDefaults & { readonly text: string } = {
  command: 'text2image',
  config: 'configs/512_text.yaml',
  checkpoint: 'pretrained/512_text.ckpt',
  folder: 'outputs/512_text2image',
  text: 'This man has beard of medium length. He is in his thirties.',
  mixed: false,
};

const flags = {
  input_text: text('input_text', { describe: 'what to show', defaultDescription: text2imageDefaults.text }),
  ...originalFlags(text2imageDefaults),
  return_influence_function: yesNo('return_influence_function', { describe: 'accepted; there is one modality only' }),
  ...negativeFlags,
  ...freeUFlags,
  ...addedFlags,
};

/** `codiff text2image`: faces from a text. */
export const text2imageCommand: CommandModule<object, Given<typeof flags>> = {
  command: 'text2image',
  describe: 'make images from a text',
  builder: (yargs) =>
    yargs
      .options(flags)
      .example('$0 text2image --input_text "This woman is in her forties."', '4 images of 512x512')
      .example('$0 text2image --enable_freeu --seed 2', 'with FreeU')
      .example('$0 text2image --from outputs/.../000000_x_0.png', 'the same batch again'),
  handler: (given) => handle(text2imageDefaults, given),
};
