// A partner whose software is npm's `smpp`. Says what happens, one JSON object a line.
//
// node esme.js MODULES PORT KIND...   KIND is trx, or tx and rx
'use strict';

const path = require('path');
const [modules, port, ...kinds] = process.argv.slice(2);
const smpp = require(path.join(modules, 'node_modules', 'smpp'));

const say = (event, more) => console.log(JSON.stringify({ event, ...more }));
const texts = {
  short: 'Hello from node',
  polish: 'Zażółć gęślą jaźń',
};
const long = 'A long text that a client cuts into parts by itself. '.repeat(6);

/// What `short_message` or `message_payload` says, whichever is there.
function textOf(pdu) {
  for (const body of [pdu.short_message, pdu.message_payload]) {
    if (body && body.message && body.message.length) return body.message.toString();
  }
  return '';
}

function open(kind) {
  return new Promise((resolve, reject) => {
    const session = smpp.connect({ host: '127.0.0.1', port: Number(port) }, () => {
      const bind = { trx: 'bind_transceiver', tx: 'bind_transmitter', rx: 'bind_receiver' }[kind];
      session[bind]({ system_id: 'acme', password: 's3cret', interface_version: 0x34 }, (pdu) => {
        say('bound', { kind, status: pdu.command_status, system_id: pdu.system_id,
          version: pdu.sc_interface_version });
        resolve(session);
      });
    });
    session.on('error', reject);
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    session.on('deliver_sm', (pdu) => {
      session.send(pdu.response());
      const unknown = Object.keys(pdu).filter((key) => /^\d+$/.test(key));
      if (pdu.esm_class & 0x04) {
        say('receipt', { id: pdu.receipted_message_id, text: textOf(pdu),
          state: pdu.message_state, unknown });
      } else {
        say('mo', { text: textOf(pdu), from: pdu.source_addr, to: pdu.destination_addr, unknown });
      }
    });
  });
}

const ask = (session, command, fields) =>
  new Promise((resolve) => session[command](fields || {}, resolve));

function submit(session, fields) {
  return ask(session, 'submit_sm', {
    source_addr: '7455', destination_addr: '48600100200', dest_addr_ton: 1, dest_addr_npi: 1,
    registered_delivery: 1, data_coding: null, ...fields,
  });
}

async function main() {
  const sessions = [];
  for (const kind of kinds) sessions.push(await open(kind));
  const sender = sessions[0];
  const alive = await ask(sender, 'enquire_link');
  say('alive', { status: alive.command_status });

  for (const [what, text] of Object.entries(texts)) {
    const pdu = await submit(sender, { short_message: text });
    say('submitted', { what, status: pdu.command_status, id: pdu.message_id });
  }
  // Its own parts, with the header that it is told to write.
  const cut = 153;
  const total = Math.ceil(long.length / cut);
  for (let n = 0; n < total; n += 1) {
    const pdu = await submit(sender, {
      registered_delivery: 0, data_coding: 0,
      short_message: {
        udh: Buffer.from([5, 0, 3, 0x77, total, n + 1]),
        message: long.slice(n * cut, (n + 1) * cut),
      },
    });
    say('submitted', { what: 'part', status: pdu.command_status, id: pdu.message_id });
  }
  const whole = await submit(sender, { short_message: '', message_payload: long.toUpperCase(), data_coding: 0 });
  say('submitted', { what: 'long', status: whole.command_status, id: whole.message_id });

  const refused = await submit(sender, { short_message: 'no', source_addr: '9999' });
  say('refused', { status: refused.command_status, length: refused.command_length });
  const after = await submit(sender, { short_message: 'still here', registered_delivery: 0 });
  say('submitted', { what: 'after', status: after.command_status, id: after.message_id });

  // The end of standard input is the word to go.
  process.stdin.resume().once('end', async () => {
    for (const session of sessions) {
      const pdu = await ask(session, 'unbind');
      say('unbound', { status: pdu.command_status });
      session.close();
    }
  });
  say('ready');
}

main().catch((error) => { console.error(error); process.exit(1); });
