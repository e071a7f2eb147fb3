// An operator's SMSC made of npm's `smpp`. Says what happens, one JSON object a line, and does what
// lines on its standard input say; the end of those is the word to go.
//
// node smsc.js MODULES
'use strict';

const path = require('path');
const readline = require('readline');
const smpp = require(path.join(process.argv[2], 'node_modules', 'smpp'));

const say = (event, more) => console.log(JSON.stringify({ event, ...more }));
const date = () => new Date().toISOString().slice(2, 16).replace(/[-T:]/g, '');
let bound = null;
let count = 0;
const throttled = new Set();

const ask = (command, fields) =>
  new Promise((resolve) => bound[command](fields || {}, resolve));

/// The message as this library understood it.
function read(pdu) {
  const body = pdu.short_message;
  return {
    text: body.message.toString(),
    udh: body.udh ? Buffer.concat(body.udh).toString('hex') : undefined,
    from: pdu.source_addr, to: pdu.destination_addr, data_coding: pdu.data_coding,
    registered_delivery: pdu.registered_delivery, reference: pdu.user_message_reference,
  };
}

function take(session, pdu) {
  const message = read(pdu);
  if (message.text.startsWith('refuse')) {
    session.send(pdu.response({ command_status: smpp.ESME_RINVDSTADR }));
    say('refused', message);
    return;
  }
  if (message.text.startsWith('later') && !throttled.has(message.text)) {
    throttled.add(message.text);
    session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    say('throttled', message);
    return;
  }
  count += 1;
  const id = (0xabc000 + count).toString(16);
  session.send(pdu.response({ message_id: id }));
  say('submit', { ...message, id });
  if (!(pdu.registered_delivery & 1)) return;
  session.deliver_sm({
    source_addr: pdu.destination_addr, source_addr_ton: 1, source_addr_npi: 1,
    destination_addr: pdu.source_addr, esm_class: 4, data_coding: 0,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:${date()} done date:${date()} `
      + `stat:DELIVRD err:000 text:${message.text.slice(0, 20)}`,
    receipted_message_id: id, message_state: 2,
  }, (answer) => say('receipt_taken', { id, status: answer.command_status }));
}

const server = smpp.createServer((session) => {
  session.on('error', (error) => say('error', { what: String(error) }));
  session.on('pdu', (pdu) => {
    if (pdu.command === 'unknown') say('error', { what: `command_id ${pdu.command_id}` });
    const unknown = Object.keys(pdu).filter((key) => /^\d+$/.test(key));
    if (unknown.length) say('error', { what: `unknown TLVs ${unknown} in ${pdu.command}` });
  });
  session.on('bind_transceiver', (pdu) => {
    const isRight = pdu.system_id === 'bramka' && pdu.password === 'smscpass';
    session.send(pdu.response(isRight
      ? { system_id: 'operator', sc_interface_version: 0x34 }
      : { command_status: smpp.ESME_RINVPASWD }));
    bound = session;
    say('bound', { version: pdu.interface_version, system_type: pdu.system_type });
  });
  session.on('submit_sm', (pdu) => take(session, pdu));
  session.on('enquire_link', (pdu) => {
    session.send(pdu.response());
    say('enquired');
  });
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
    say('unbound');
  });
});

const orders = {
  async mo({ text }) {
    const answer = await ask('deliver_sm', {
      source_addr: '48600100200', source_addr_ton: 1, source_addr_npi: 1,
      destination_addr: '7455', data_coding: null, short_message: text,
    });
    say('mo_taken', { status: answer.command_status });
  },
  async parts({ pieces }) {
    for (const [at, message] of pieces.entries()) {
      const answer = await ask('deliver_sm', {
        source_addr: '48600100200', source_addr_ton: 1, source_addr_npi: 1,
        destination_addr: '7455', data_coding: 0,
        short_message: { udh: Buffer.from([5, 0, 3, 7, pieces.length, at + 1]), message },
      });
      say('mo_taken', { status: answer.command_status });
    }
  },
  async enquire() {
    say('alive', { status: (await ask('enquire_link')).command_status });
  },
  /// A message centre that goes for a while.
  async unbind() {
    const session = bound;
    const answer = await ask('unbind');
    say('gone', { status: answer.command_status });
    session.close();
  },
};

server.listen(0, '127.0.0.1', () => {
  say('listening', { port: server.address().port });
  readline.createInterface({ input: process.stdin })
    .on('line', (line) => {
      const order = JSON.parse(line);
      orders[order.do](order);
    })
    .on('close', () => process.exit(0));
});
