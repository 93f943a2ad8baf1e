import { quantity, text } from './fields.ts';
import { parseBitRate } from './quantities.ts';

/** Values that the `network` of a task and that of a site share. */

export const bitRate = (description: string) =>
  quantity(parseBitRate, {
    description,
    form: 'bit rate such as 100Mbps',
    positive: true,
    finite: true,
  });

export const trafficName = text({
  description: 'The name of a kind of traffic, such as model_training.',
  max: 64,
  filled: true,
  oneLine: true,
});
