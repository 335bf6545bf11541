/** All rules, in the order of the page. */

import type { Rule } from './rule.ts';
import * as aws from './rules/aws.ts';
import * as bots from './rules/bots.ts';
import * as delivery from './rules/delivery.ts';
import * as environments from './rules/environments.ts';
import * as network from './rules/network.ts';
import * as owners from './rules/owners.ts';
import * as pods from './rules/pods.ts';
import * as rights from './rules/rights.ts';
import * as values from './rules/values.ts';
import * as vault from './rules/vault.ts';

const families = [values, rights, pods, network, bots, aws, vault, delivery, environments, owners];

export const rules: readonly Rule[] = families.flatMap((family) => Object.values(family) as Rule[]);
