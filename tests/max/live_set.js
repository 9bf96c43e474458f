// A Live set that LiveAPI can ask and change: what knowledge of Live's object model the device relies on.
"use strict";

let last_id = 0;
const fresh_id = () => ++last_id;

function audio_clip(path, length_s) {
    return {id: fresh_id(), type: "Clip", is_audio: true, file_path: path, warping: 1, length_s, start_marker: 0,
        playing_position: 0, loop_end: length_s * 2, end_marker: length_s * 2, looping: 0,
        warp_markers: [{beat_time: 0, sample_time: 0}, {beat_time: length_s * 2, sample_time: length_s},
            {beat_time: length_s * 2 + 0.03, sample_time: length_s + 0.015}]};
}

function midi_clip(beats) {
    return {id: fresh_id(), type: "Clip", is_audio: false, notes: [], loop_end: beats, end_marker: beats, looping: 1,
        start_marker: 0, playing_position: 0};
}

function track(kind, name, rows) {
    return {id: fresh_id(), type: "Track", name, kind, is_frozen: 0, is_foldable: 0, playing_slot_index: -1,
        device: {id: fresh_id(), type: "MaxDevice"},
        slots: Array.from({length: rows}, () => ({id: fresh_id(), type: "ClipSlot", clip: null}))};
}

class LiveSet {
    constructor({tracks = ["audio", "audio", "midi"], rows = 4, version = [12, 2, 0], own = 0, files = null} = {}) {
        this.version = version;
        this.files = files;
        this.own = own;
        this.without = [];
        this.song = {id: fresh_id(), type: "Song", tempo: 120, is_playing: 0, current_song_time: 0, root_note: 9,
            scale_name: "Minor", signature_numerator: 4, signature_denominator: 4, selected_scene: 0, detail: null,
            scenes: Array.from({length: rows}, () => ({id: fresh_id(), type: "Scene"})),
            tracks: tracks.map((kind, at) => track(kind, `${at + 1} ${kind}`, rows))};
        this.app = {id: fresh_id(), type: "Application"};
        this.undo_steps = [];
        this.step_depth = 0;
        this.notes_per_call = [];
        this.watchers = [];
        this.notifying = false;
    }

    // What Live's object model lets one observe, of what the device asks.
    watch(api, node, name) {
        const observable = {Song: ["tempo", "is_playing", "current_song_time", "signature_numerator", "root_note"],
            Track: ["playing_slot_index"], ClipSlot: ["has_clip"], Clip: ["playing_position"]}[node.type] || [];
        if (!observable.includes(name)) throw new Error(`${name} of ${node.type} can not be observed`);
        const watcher = {api, node, name};
        this.watchers.push(watcher);
        this.tell(watcher);
    }

    forget(api) { this.watchers = this.watchers.filter((each) => each.api !== api); }

    // An object is known by its id: an undo puts another one in its place that has the same.
    tell(watcher) {
        const current = this.by_id(watcher.node.id);
        if (!current) return;
        const now = this.get(current, watcher.name);
        if (now === watcher.told) return;
        watcher.told = now;
        this.notifying = true;
        try { this.guard(() => watcher.api.callback([watcher.name, now])); } finally { this.notifying = false; }
    }

    notify() { for (const watcher of [...this.watchers]) this.tell(watcher); }

    by_id(id) {
        if (this.song.id === id) return this.song;
        for (const each of this.song.tracks) {
            if (each.id === id) return each;
            for (const slot of each.slots) {
                if (slot.id === id) return slot;
                if (slot.clip && slot.clip.id === id) return slot.clip;
            }
        }
        return null;
    }

    // Everything that changes the set comes through here, so that each undo step is counted.
    change(what, work) {
        if (this.notifying) throw new Error("Changes cannot be triggered by notifications. You will need to defer your response.");
        if (this.step_depth === 0) this.undo_steps.push({what, before: structuredClone(this.song)});
        return work();
    }

    undo() {
        this.song = this.undo_steps.pop().before;
    }

    // Returns {node, path} or null.
    resolve(path) {
        const words = path.split(" ").filter((word) => word !== "");
        let node = null, place = "";
        const enter = (found, where) => { node = found || null; place = where; };
        for (let at = 0; at < words.length; at += 1) {
            const word = words[at], number = Number(words[at + 1]);
            if (at === 0 && word === "live_set") enter(this.song, "live_set");
            else if (at === 0 && word === "live_app") enter(this.app, "live_app");
            else if (at === 0 && word === "this_device") {
                enter(this.song.tracks[this.own] && this.song.tracks[this.own].device, `live_set tracks ${this.own} devices 0`);
            } else if (node === null) return null;
            else if (word === "canonical_parent") {
                if (node.type === "MaxDevice") enter(this.song.tracks[this.own], `live_set tracks ${this.own}`);
                else if (node.type === "Song") return null;
                else enter(this.song, "live_set");
            } else if (word === "tracks" && node.type === "Song") { enter(node.tracks[number], `live_set tracks ${number}`); at += 1; }
            else if (word === "scenes" && node.type === "Song") { enter(node.scenes[number], `live_set scenes ${number}`); at += 1; }
            else if (word === "clip_slots" && node.type === "Track") { enter(node.slots[number], `${place} clip_slots ${number}`); at += 1; }
            else if (word === "clip" && node.type === "ClipSlot") enter(node.clip, `${place} clip`);
            else if (word === "view" && node.type === "Song") continue;
            else if (word === "selected_scene") enter(this.song.scenes[this.song.selected_scene], `live_set scenes ${this.song.selected_scene}`);
            else if (word === "detail_clip") {
                const spot = this.song.detail;
                if (!spot) return null;
                enter(this.song.tracks[spot[0]].slots[spot[1]].clip, `live_set tracks ${spot[0]} clip_slots ${spot[1]} clip`);
            } else return null;
        }
        return node === null ? null : {node, path: place};
    }

    functions(node) {
        const all = {
            Song: ["create_scene", "create_audio_track", "begin_undo_step", "end_undo_step"],
            Application: ["get_major_version", "get_minor_version", "get_bugfix_version"],
            ClipSlot: ["create_clip", "delete_clip"].concat(this.at_least(12, 0, 5) ? ["create_audio_clip"] : []),
            Clip: node.is_audio ? ["add_warp_marker", "remove_warp_marker", "move_warp_marker"]
                : ["add_new_notes", "get_notes_extended", "remove_notes_extended"],
        }[node.type] || [];
        return all.filter((name) => !this.without.includes(name));
    }

    at_least(...wanted) {
        for (let at = 0; at < 3; at += 1) {
            if (this.version[at] !== wanted[at]) return this.version[at] > wanted[at];
        }
        return true;
    }

    get(node, name) {
        if (node.type === "Track") {
            if (name === "has_midi_input") return node.kind === "midi" ? 1 : 0;
            if (name === "has_audio_input") return node.kind === "audio" ? 1 : 0;
        }
        if (node.type === "ClipSlot" && name === "has_clip") return node.clip ? 1 : 0;
        if (node.type === "Clip") {
            if (name === "is_audio_clip") return node.is_audio ? 1 : 0;
            if (name === "is_midi_clip") return node.is_audio ? 0 : 1;
            if (name === "length") return node.loop_end;
            if (name === "warp_markers") return JSON.stringify({warp_markers: node.warp_markers});
        }
        if (!(name in node)) throw new Error(`${node.type} has no property ${name}`);
        return node[name];
    }

    set(node, name, value) {
        if (!(name in node)) throw new Error(`${node.type} has no property ${name}`);
        this.change(`set ${name}`, () => { node[name] = value; });
    }

    call(node, name, args) {
        if (!this.functions(node).includes(name)) throw new Error(`${node.type} has no function ${name}`);
        return this[name](node, ...args);
    }

    get_major_version() { return this.version[0]; }
    get_minor_version() { return this.version[1]; }
    get_bugfix_version() { return this.version[2]; }

    begin_undo_step() {
        if (this.step_depth === 0) this.undo_steps.push({what: "step", before: structuredClone(this.song)});
        this.step_depth += 1;
    }

    end_undo_step() {
        this.step_depth = Math.max(0, this.step_depth - 1);
    }

    create_scene(song) {
        this.change("create_scene", () => {
            song.scenes.push({id: fresh_id(), type: "Scene"});
            for (const each of song.tracks) each.slots.push({id: fresh_id(), type: "ClipSlot", clip: null});
        });
    }

    create_audio_track(song) {
        this.change("create_audio_track", () => song.tracks.push(track("audio", "new", song.scenes.length)));
    }

    owner(slot) {
        return this.song.tracks.find((each) => each.slots.includes(slot));
    }

    check_slot(slot, kind) {
        const on = this.owner(slot);
        if (slot.clip) throw new Error("the slot holds a clip");
        if (on.is_frozen || on.is_foldable || on.kind !== kind) throw new Error("no clip can be made there");
    }

    create_clip(slot, beats) {
        this.check_slot(slot, "midi");
        this.change("create_clip", () => { slot.clip = midi_clip(beats); });
    }

    create_audio_clip(slot, path) {
        this.check_slot(slot, "audio");
        if (this.files && !this.files.includes(path)) throw new Error("file not found");
        this.change("create_audio_clip", () => { slot.clip = audio_clip(path, 300); });
    }

    add_warp_marker(clip, mark) {
        if (typeof mark !== "object" || typeof mark.beat_time !== "number") throw new Error("no warp marker");
        this.change("add_warp_marker", () => {
            clip.warp_markers = clip.warp_markers.filter((each) => each.beat_time !== mark.beat_time);
            clip.warp_markers.push({beat_time: mark.beat_time, sample_time: mark.sample_time});
            clip.warp_markers.sort((one, other) => one.beat_time - other.beat_time);
        });
    }

    remove_warp_marker(clip, beat_time) {
        this.change("remove_warp_marker", () => {
            clip.warp_markers = clip.warp_markers.filter((each) => each.beat_time !== beat_time);
        });
    }

    get_notes_extended(clip, from_pitch, pitches, from_time, time) {
        const inside = (note) => note.pitch >= from_pitch && note.pitch < from_pitch + pitches
            && note.start_time >= from_time && note.start_time < from_time + time;
        return JSON.stringify({notes: clip.notes.filter(inside)});
    }

    check_notes(clip) {
        const on = this.song.tracks.find((each) => each.slots.some((slot) => slot.clip === clip));
        if (!on || on.is_frozen) throw new Error("the notes of a frozen track can not be changed");
    }

    remove_notes_extended(clip, from_pitch, pitches, from_time, time) {
        this.check_notes(clip);
        this.change("remove_notes_extended", () => {
            clip.notes = clip.notes.filter((note) => note.start_time < from_time || note.start_time >= from_time + time);
        });
    }

    add_new_notes(clip, {notes}) {
        this.check_notes(clip);
        if (notes.length > 500) throw new Error("too many notes in one call");
        this.notes_per_call.push(notes.length);
        this.change("add_new_notes", () => {
            for (const note of notes) {
                if ("note_id" in note) throw new Error("note_id has to be left out");
                // The same pitch at the same time replaces.
                clip.notes = clip.notes.filter((old) => old.pitch !== note.pitch || old.start_time !== note.start_time);
                clip.notes.push({velocity: 100, ...note, note_id: fresh_id()});
            }
        });
    }
}

module.exports = {LiveSet};
