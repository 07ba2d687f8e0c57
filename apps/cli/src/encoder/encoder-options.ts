import { Option, type Command } from 'commander';
import { wholeNumber } from '../command-line/options.ts';
import { usageError } from '../output/usage-error.ts';
import type { TextCommandOptions } from '../text/text-options.ts';
import { encoderDTypes, type EncoderDType } from './encoder-files.ts';
import type { EncoderRecord } from './encoder-record.ts';
import { cacheFolderText } from './fetch-encoder.ts';
import type { OpenEncoderOptions } from './open-encoder.ts';
import { defaultBatchTokens } from './plan-batches.ts';

/** Options of all commands that take text. */
export interface EncoderCommandOptions {
  readonly encoder?: string;
  readonly encoderDtype?: EncoderDType;
  readonly maxTokens?: number;
  readonly dropSpecial?: boolean;
  readonly encoderBatch?: number;
  readonly otherEncoder?: boolean;
}

/**
 * Adds the options of the encoder to a command.
 *
 * @param ofModel whether it applies a model, whose encoder is the default
 */
export function addEncoderOptions(command: Command, ofModel = false): Command {
  const model = ofModel ? "the model's, else " : '';
  command
    .option(
      '--encoder <folder|name>',
      `encoder of the text: a folder with tokenizer.json, config.json and onnx/model.onnx (or model.onnx), or a name, which is fetched into ${cacheFolderText}${ofModel ? " (default: the model's; give it where that has moved)" : ''}`,
    )
    .addOption(
      new Option('--encoder-dtype <dtype>', `the encoder's weights (default: ${model}fp32)`).choices(encoderDTypes),
    )
    .option(
      '--max-tokens <N>',
      `cut each text to N tokens, special ones included (default: ${model}what the encoder takes)`,
      wholeNumber(1),
    )
    .option('--drop-special', 'leave special tokens such as [CLS] out')
    .option(
      '--encoder-batch <N>',
      `documents per run of the encoder (default: ${defaultBatchTokens} tokens); q8 results depend on it, 1 makes documents independent`,
      wholeNumber(1),
    );
  return ofModel
    ? command.option(
        '--other-encoder',
        'allow an encoder whose content is not that of the one the model was fitted with',
      )
    : command;
}

type TextUse = Pick<TextCommandOptions, 'textField' | 'stripHtml'>;

/** What `openEncoder` takes of a command's options. */
export type ChosenEncoder = Pick<
  OpenEncoderOptions,
  'encoder' | 'dtype' | 'maxTokens' | 'dropSpecial' | 'batch' | 'textField' | 'stripHtml'
>;

/**
 * The encoder that options name, used as an earlier one was where they leave it open.
 *
 * @param record of the encoder that a model was fitted with
 * @throws DdclError `argument` if neither names one
 */
export function requireEncoder(options: EncoderCommandOptions & TextUse, record?: EncoderRecord): ChosenEncoder {
  const encoder = options.encoder ?? record?.encoder;
  if (encoder === undefined) {
    throw usageError(
      'Text needs an encoder. Give --encoder FOLDER with tokenizer.json, config.json and onnx/model.onnx, or --encoder NAME.',
    );
  }
  // Another encoder need not take as many tokens.
  const maxTokens = options.maxTokens ?? (options.otherEncoder ? undefined : record?.maxTokens);
  return {
    encoder,
    dtype: options.encoderDtype ?? record?.dtype,
    maxTokens,
    dropSpecial: options.dropSpecial ?? record?.dropSpecial,
    batch: options.encoderBatch,
    textField: options.textField ?? record?.textField ?? undefined,
    stripHtml: options.stripHtml ?? record?.stripHtml,
  };
}

/** @throws DdclError `argument` for an option of text in a command that reads numbers */
export function refuseEncoderOptions(options: EncoderCommandOptions & TextUse): void {
  const names = {
    '--encoder': options.encoder,
    '--encoder-dtype': options.encoderDtype,
    '--max-tokens': options.maxTokens,
    '--drop-special': options.dropSpecial,
    '--encoder-batch': options.encoderBatch,
    '--text-field': options.textField,
    '--strip-html': options.stripHtml,
  };
  const given = Object.entries(names).find(([, value]) => value !== undefined);
  if (given === undefined) return;
  throw usageError(`${given[0]} goes with --text DATA. Give the text with --text, or leave this out.`);
}
