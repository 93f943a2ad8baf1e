import { OperationError } from '../../model/errors.ts';
import { REPLICAS_MAX } from '../../model/service.ts';
import { defineCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { count } from '../text.ts';
import { checkId, withNearMiss } from '../workload-ids.ts';

export const scale = defineCommand({
  name: 'scale',
  group: 'Work',
  summary: 'Want another number of replicas of a service',
  details: [
    'Replicas that are too many are drained before they are stopped. `berth wait ID --ready` waits until as many as are wanted are ready.',
    'A service that is autoscaled takes only what is within its bounds, and goes on from there after its cooldown.',
  ],
  operand: {
    name: 'id replicas',
    summary: `of the service, and how many are wanted (0 … ${REPLICAS_MAX})`,
    required: true,
    many: true,
    complete: 'none',
  },
  options: {},
  json: 'Service: {replicas, ready, revision, update, rolled_back, autoscaling}',
  examples: ['berth scale 12 5'],
  async run({ operands }, world) {
    const [name, wanted = ''] = operands;
    const replicas = /^\d{1,6}$/.test(wanted) ? Number(wanted) : Number.NaN;
    if (operands.length !== 2 || !(replicas <= REPLICAS_MAX)) {
      const sentence = `scale takes an id and a number from 0 to ${REPLICAS_MAX}, as in \`berth scale 12 5\``;
      throw new OperationError('USAGE', sentence);
    }
    const client = await world.daemons.connect();
    const id = await checkId(client, name!);
    const service = await withNearMiss(client, id, () => client.scale(id, replicas));
    return {
      document: service,
      view: () => [`${count(service.replicas, 'replica')} wanted, ${service.ready} ready.`],
      exit: EXIT.ok,
    };
  },
});
