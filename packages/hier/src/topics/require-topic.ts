import { DdclError } from '@ddcl/core';

/** @throws DdclError `argument` unless there is such a topic */
export function requireTopic(topic: number, topics: number): void {
  if (Number.isSafeInteger(topic) && topic >= 0 && topic < topics) return;
  throw new DdclError('argument', `A topic is a whole number from 0 to ${topics - 1}, but ${topic} came.`);
}
