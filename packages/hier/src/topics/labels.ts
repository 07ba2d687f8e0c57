import { DdclError } from '@ddcl/core';
import { requireWhole } from '../checks/require.ts';
import type { Topic, TopicView } from './topics.ts';

export interface LabelOptions {
  /** Topics that are asked for at a time. Default 4. */
  readonly concurrency?: number;
}

/**
 * Gives topics the names that a function of yours makes of their words and documents, for example by a language model. A topic for which it gives nothing keeps the label it has.
 *
 * @param label called once for each topic that has documents
 * @throws DdclError `argument` for something else than a text; what `label` throws, with the topic's number, as `data`
 */
export async function labelTopics(
  view: TopicView,
  label: (topic: Topic) => Promise<string | undefined> | string | undefined,
  { concurrency = 4 }: LabelOptions = {},
): Promise<TopicView> {
  requireWhole('concurrency', concurrency, 1);
  const topics = [...view.topics];
  const waiting = [...topics.entries()].filter(([, { size }]) => size > 0);
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [place, topic] = next;
        topics[place] = named(topic, await ask(topic));
      }
    }),
  );
  return { ...view, topics };

  async function ask(topic: Topic): Promise<unknown> {
    try {
      return await label(topic);
    } catch (cause) {
      waiting.length = 0;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new DdclError('data', `The label of topic ${topic.id} could not be made: ${reason}`, { cause });
    }
  }
}

function named(topic: Topic, label: unknown): Topic {
  if (label === undefined) return topic;
  if (typeof label !== 'string' || label.trim() === '')
    throw new DdclError('argument', `The label of topic ${topic.id} must be a text, but is ${JSON.stringify(label)}.`);
  return { ...topic, label: label.trim() };
}
