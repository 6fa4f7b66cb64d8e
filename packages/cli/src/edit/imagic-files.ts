/** Files of an edit's folder. The stems are the original's. */
export const FILES = {
  /** The encoded condition. */
  target: 'emb_tgt.safetensors',
  /** What stage A made of it. */
  optimized: 'emb_opt.safetensors',
  startCode: 'start_code.safetensors',
  /** The whole model with the UNet that stage B tuned. */
  weights: 'optDM.safetensors',
  /** Stages that were stopped. */
  partEmbedding: 'emb_opt.part.safetensors',
  partWeights: 'optDM.part.safetensors',
  reconstruction: 'input_image_reconstructed.png',
  sheet: 'contact_sheet.png',
} as const;

/** The name that a file of one tensor has for it: its stem. */
export const stemOf = (file: string): string => file.slice(0, file.indexOf('.'));
