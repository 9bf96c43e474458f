// The globals of Max's js: Task, Dict, File, LiveAPI, outlet, mgraphics. Each refuses what Max refuses or dies of.
"use strict";
const fs = require("node:fs");

const LONGEST_SYMBOL = 32767;

// Max keeps every distinct text that it ever saw as a symbol.
class SymbolTable {
    constructor() { this.all = new Set(); }
    keep(text) {
        if (text.length > LONGEST_SYMBOL) throw new Error(`a symbol of ${text.length} characters`);
        this.all.add(text);
        return text;
    }
    atoms(list) {
        for (const atom of list) {
            if (typeof atom === "string") this.keep(atom);
            else if (typeof atom !== "number" || !Number.isFinite(atom)) throw new Error(`no atom: ${atom}`);
        }
        return list;
    }
}

class SimulatedTime {
    constructor(speed) { this.speed = speed; this.began = Date.now(); }
    now() { return this.began + (Date.now() - this.began) * this.speed; }
    after(ms, work) { return setTimeout(work, ms / this.speed); }
    stop(timer) { clearTimeout(timer); }
}

// Time that stands still until it is told to go on: then timers run in order, as quickly as they can.
class ManualTime {
    constructor() { this.at_ms = 1e12; this.waiting = []; this.number = 0; }
    now() { return this.at_ms; }
    after(ms, work) {
        const timer = {due: this.at_ms + ms, number: ++this.number, work};
        this.waiting.push(timer);
        return timer;
    }
    stop(timer) { this.waiting = this.waiting.filter((each) => each !== timer); }
    // Runs what is due within `ms`; `settle` waits for the world after each timer that made the device speak.
    async advance(ms, settle) {
        const end = this.at_ms + ms;
        for (;;) {
            const next = this.waiting.reduce((first, each) => !first || each.due < first.due
                || (each.due === first.due && each.number < first.number) ? each : first, null);
            if (!next || next.due > end) break;
            this.stop(next);
            this.at_ms = Math.max(this.at_ms, next.due);
            next.work();
            await settle();
        }
        this.at_ms = end;
    }
}

function task_class(time, guard) {
    return class Task {
        constructor(work, owner) { this.work = work; this.owner = owner; this.interval = 500; this.timer = null; this.running = false; }
        once() { this.work.call(this.owner); }
        execute() { this.once(); }
        schedule(ms) { this.cancel(); this.timer = time.after(ms || 0, () => guard(() => this.once())); }
        repeat() { this.cancel(); this.running = true; this.again(); }
        again() {
            this.timer = time.after(this.interval, () => {
                if (!this.running) return;
                guard(() => this.once());
                if (this.running) this.again();
            });
        }
        cancel() { this.running = false; time.stop(this.timer); }
    };
}

function dict_class(symbols) {
    const stores = new Map();
    return class Dict {
        constructor(name) {
            this.name = symbols.keep(name);
            if (!stores.has(name)) stores.set(name, new Map());
            this.store = stores.get(name);
        }
        clear() { this.store.clear(); }
        get(key) { return this.store.has(key) ? this.store.get(key) : null; }
        set(key, value) { this.store.set(symbols.keep(key), value); }
        getkeys() { return [...this.store.keys()]; }
    };
}

class File {
    constructor(path, access) {
        if (access !== "read") throw new Error("only reading is used");
        try { this.bytes = fs.readFileSync(path); this.isopen = 1; } catch (missing) { this.bytes = Buffer.alloc(0); this.isopen = 0; }
        this.position = 0;
    }
    get eof() { return this.bytes.length; }
    readstring(count) {
        const piece = this.bytes.subarray(this.position, this.position + count);
        this.position += piece.length;
        // A letter of several bytes that is cut in two comes out broken, as it may in Max.
        return piece.toString("utf8");
    }
    close() { this.isopen = 0; }
}

// Holds on to the object that a path named, as Max does; a callback is told the observed value at once and at each change.
function live_api_class(live, symbols, is_awake) {
    return class LiveAPI {
        constructor(first, second) {
            if (!is_awake()) throw new Error("LiveAPI before the bang of live.thisdevice");
            this.callback = typeof first === "function" ? first : null;
            this.path = typeof first === "string" ? first : second;
            live.apis = (live.apis || 0) + 1;
        }
        set path(path) {
            this.asked = symbols.keep(path);
            if (this.observed) this.observe();
        }
        get path() { return this.found ? JSON.stringify(this.found.path) : ""; }
        get found() { return live.resolve(this.asked); }
        get unquotedpath() { return this.found ? this.found.path : ""; }
        get id() { return this.found ? String(this.found.node.id) : "0"; }
        get type() { return this.found ? this.found.node.type : ""; }
        get info() { return this.found ? live.functions(this.found.node).map((name) => `function ${name}\n`).join("") : "No object"; }
        set property(name) {
            this.observed = symbols.keep(name);
            this.observe();
        }
        get property() { return this.observed; }
        observe() {
            live.forget(this);
            if (this.callback && this.observed && this.found) live.watch(this, this.found.node, this.observed);
        }
        need() { if (!this.found) throw new Error(`nothing is at ${this.asked}`); return this.found.node; }
        get(name) { return [live.get(this.need(), symbols.keep(name))]; }
        set(name, value) { if (typeof value === "string") symbols.keep(value); live.set(this.need(), symbols.keep(name), value); }
        call(name, ...args) {
            for (const each of args) if (typeof each === "string") symbols.keep(each);
            return live.call(this.need(), symbols.keep(name), args);
        }
        getcount(name) { return this.need()[name].length; }
    };
}

// Remembers what was drawn; keeps no symbols, since drawing takes texts as they are.
function drawing() {
    const drawn = [];
    const pen = {drawn, redraws: 0, init() {}, redraw() { pen.redraws += 1; }};
    for (const name of ["set_source_rgba", "rectangle", "ellipse", "fill", "select_font_face", "set_font_size", "move_to", "show_text"]) {
        pen[name] = (...args) => drawn.push([name, ...args]);
    }
    return pen;
}

function outlet_function(send) {
    const outlet = function (number, ...rest) {
        const atoms = rest.length === 1 && Array.isArray(rest[0]) ? rest[0] : rest;
        send(number, atoms);
    };
    outlet.apply = () => { throw new Error("outlet.apply crashes Live"); };
    return outlet;
}

module.exports = {SymbolTable, SimulatedTime, ManualTime, task_class, dict_class, File, live_api_class, drawing, outlet_function};
