/** Which of apt's sources is a mirror that a root file system of Debian can be made from. */
import assert from 'node:assert/strict';
import { mirrorAmong } from '../../../rehearsal/images/debian.ts';

describe('the mirror of Debian', () => {
  it("is the first of apt's sources that is Debian's own, without security updates", () => {
    const targets = [
      'Debian|Debian-Security|http://one.invalid/debian-security/',
      'Docker|Docker CE|http://two.invalid/docker/',
      'Debian|Debian|http://three.invalid/debian/',
      'Debian|Debian|http://four.invalid/debian/',
    ];
    assert.equal(mirrorAmong(targets.join('\n')), 'http://three.invalid/debian/');
  });

  it('is none on another distribution, or before the first apt-get update', () => {
    assert.equal(mirrorAmong('Ubuntu|Ubuntu|http://one.invalid/ubuntu/\n'), undefined);
    assert.equal(mirrorAmong(''), undefined);
  });
});
