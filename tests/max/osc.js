// OSC as Max's udpsend and udpreceive speak it: i, f and s.
"use strict";

function padded(text) {
    const bytes = Buffer.from(text + "\0", "utf8");
    return Buffer.concat([bytes, Buffer.alloc((4 - bytes.length % 4) % 4)]);
}

function encode(atoms) {
    let tags = ",";
    const parts = [];
    for (const atom of atoms.slice(1)) {
        const piece = Buffer.alloc(4);
        if (typeof atom === "string") {
            tags += "s";
            parts.push(padded(atom));
        } else if (Number.isInteger(atom) && Math.abs(atom) < 2 ** 31) {
            tags += "i";
            piece.writeInt32BE(atom);
            parts.push(piece);
        } else {
            tags += "f";
            piece.writeFloatBE(atom);
            parts.push(piece);
        }
    }
    return Buffer.concat([padded(String(atoms[0])), padded(tags), ...parts]);
}

// Returns null for what Max would not read: bundles, blobs, cut or random bytes.
function decode(bytes) {
    let at = 0;
    function text() {
        const end = bytes.indexOf(0, at);
        if (end < 0) throw new Error("no end");
        const found = bytes.toString("utf8", at, end);
        at = (Math.floor(end / 4) + 1) * 4;
        return found;
    }
    try {
        if (bytes.length % 4 !== 0 || bytes[0] !== 0x2f) return null;
        const atoms = [text()];
        const tags = at < bytes.length ? text() : ",";
        if (tags[0] !== ",") return null;
        for (const tag of tags.slice(1)) {
            if (tag === "i") { atoms.push(bytes.readInt32BE(at)); at += 4; }
            else if (tag === "f") { atoms.push(bytes.readFloatBE(at)); at += 4; }
            else if (tag === "s") atoms.push(text());
            else return null;
        }
        return atoms;
    } catch (cut) {
        return null;
    }
}

module.exports = {encode, decode};
