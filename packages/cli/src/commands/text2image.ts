import { negativeFlags } from '../generate/flags/common.js';
import { text } from '../generate/flags/values.js';
import type { CommandDefaults } from '../generate/request.js';
import { singleModalityCommand } from './single-modality.js';

/** What `text2image.py` and `freeu/text2image_freeu.py` do where flags say nothing. */
export const text2imageDefaults: CommandDefaults & { readonly text: string } = {
  command: 'text2image',
  config: 'configs/512_text.yaml',
  checkpoint: 'pretrained/512_text.ckpt',
  folder: 'outputs/512_text2image',
  text: 'This man has beard of medium length. He is in his thirties.',
  mixed: false,
};

/** `codiff text2image`: faces from a text. */
export const text2imageCommand = singleModalityCommand({
  defaults: text2imageDefaults,
  describe: 'make images from a text',
  flags: {
    input_text: text('input_text', { describe: 'what to show', defaultDescription: text2imageDefaults.text }),
    ...negativeFlags,
  },
  examples: [
    ['--input_text "This woman is in her forties."', '4 images of 512x512'],
    ['--enable_freeu --seed 2', 'with FreeU'],
    ['--from outputs/.../000000_x_0.png', 'the same batch again'],
  ],
});
