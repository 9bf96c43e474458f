// What is drawn: the state of the link, what was found, the pattern, and one line that says what happens.
var ROW = 16, HEAD = 16, FOOT = 17, LANE = 50;
var VOICES = [["ride", [51, 53, 59]], ["crash", [49, 52, 55, 57]], ["hi tom", [48, 50]], ["mid tom", [45, 47]],
    ["low tom", [41, 43, 58]], ["open hat", [46]], ["hat", [42, 44, 22]], ["snare", [37, 38, 39, 40]],
    ["kick", [35, 36]]];
var INK = [0.85, 0.85, 0.85, 1], DIM = [0.55, 0.55, 0.55, 1], ACCENT = [1, 0.68, 0.2, 1], BAD = [1, 0.42, 0.35, 1],
    GOOD = [0.45, 0.8, 0.45, 1], GROUND = [0.13, 0.13, 0.13, 1], CHOSEN = [0.26, 0.29, 0.33, 1],
    LINE = [0.42, 0.45, 0.5, 1];

mgraphics.init();
mgraphics.relative_coords = 0;
mgraphics.autofill = 0;

function redraw() {
    mgraphics.redraw();
}

function size() {
    return [box.rect[2] - box.rect[0], box.rect[3] - box.rect[1]];
}

function paint() {
    var area = size();
    fill(GROUND, 0, 0, area[0], area[1]);
    mgraphics.select_font_face("Arial");
    mgraphics.set_font_size(10);
    paint_link(area[0]);
    if (kind === "audio") {
        paint_results(area);
    } else {
        paint_pattern(area);
    }
    label(shown.bad ? BAD : DIM, 6, area[1] - 5, shown.text, area[0] - 12);
    if (shown.progress >= 0) {
        fill(ACCENT, 0, area[1] - 2, area[0] * shown.progress, 2);
    }
}

function paint_link(width) {
    var state = {online: [GOOD, "online"], refused: [BAD, "other version"], hello: [BAD, "offline"]}[link.phase]
        || [DIM, "asleep"];
    mgraphics.set_source_rgba(state[0]);
    mgraphics.ellipse(width - 12, 5, 7, 7);
    mgraphics.fill();
    label(DIM, width - 17 - state[1].length * 5, 12, state[1], 80);
    if (set_tempo > 0) {
        label(DIM, width - 124, 12, "set " + set_tempo.toFixed(1), 60);
    }
}

function paint_results(area) {
    var y = HEAD, at_row, item, rows_seen = row_count(area[1]);
    label(DIM, 6, 12, "title", 100);
    label(DIM, area[0] - 198, 12, "BPM", 30);
    label(DIM, area[0] - 166, 12, "key", 24);
    label(DIM, area[0] - 140, 12, "E", 12);
    for (at_row = shown.top; at_row < Math.min(shown.results.length, shown.top + rows_seen); at_row += 1) {
        item = shown.results[at_row];
        if (at_row === shown.chosen) {
            fill(CHOSEN, 2, y, area[0] - 4, ROW - 1);
        }
        label(item.on_this_device ? INK : DIM, 6, y + 11,
            title_of(item) + (item.artist ? " - " + item.artist : ""), area[0] - 210);
        label(INK, area[0] - 198, y + 11, item.tempo_bpm ? Number(item.tempo_bpm).toFixed(1) : "", 32);
        label(INK, area[0] - 166, y + 11, item.camelot || "", 24);
        label(INK, area[0] - 140, y + 11, item.energy ? String(item.energy) : "", 14);
        label(DIM, area[0] - 124, y + 11, item.reasons && item.reasons.length ? item.reasons[0] : "", 120);
        y += ROW;
    }
}

function row_count(height) {
    return Math.floor((height - HEAD - FOOT) / ROW);
}

function paint_pattern(area) {
    var found = shown.pattern, high = area[1] - HEAD - FOOT - 4;
    label(DIM, 6, 12, (found ? found.style || "changed" : "no pattern yet")
        + (density() < 0 ? "" : ", density " + density() + " %")
        + (swing() === 0 ? "" : ", swing " + swing() + " %"), area[0] - 130);
    if (!found) {
        label(DIM, 6, 36, "Generate writes a clip on this track", area[0] - 12);
        return;
    }
    paint_lanes(found, lanes_of(found), area[0] - LANE - 6, high);
}

// Which voices play, from the top of the kit to its bottom.
function lanes_of(found) {
    var pitches = found.items.map(function (item) { return item[0]; });
    return VOICES.filter(function (voice) {
        return pitches.some(function (pitch) { return voice[1].indexOf(pitch) >= 0; });
    });
}

function paint_lanes(found, lanes, width, high) {
    var tall = Math.min(22, high / Math.max(1, lanes.length)), wide = width / found.length_beats,
        per_bar = found.per_bar || 4, top = HEAD + 2, beat, each, y;
    for (beat = 0; beat < found.length_beats; beat += 1) {
        fill(beat % per_bar === 0 ? LINE : CHOSEN, LANE + beat * wide, top, 1, tall * lanes.length);
    }
    for (each = 0; each < lanes.length; each += 1) {
        y = top + each * tall;
        label(DIM, 6, y + tall / 2 + 3, lanes[each][0], LANE - 6);
        fill(CHOSEN, LANE, y + tall - 1, width, 0.5);
        found.items.filter(is_in_lane).forEach(paint_hit);
    }
    function is_in_lane(item) {
        return lanes[each][1].indexOf(item[0]) >= 0;
    }
    function paint_hit(item) {
        fill([1, 0.68, 0.2, 0.3 + 0.7 * item[3] / 127], LANE + item[1] * wide, y + 2, Math.max(2, wide / 5), tall - 4);
    }
}

function fill(colour, x, y, width, height) {
    mgraphics.set_source_rgba(colour);
    mgraphics.rectangle(x, y, width, height);
    mgraphics.fill();
}

function label(colour, x, y, words, width) {
    var fits = String(words), most = Math.floor(width / 5.2);
    if (fits.length > most) {
        fits = fits.substring(0, Math.max(1, most - 2)) + "..";
    }
    mgraphics.set_source_rgba(colour);
    mgraphics.move_to(x, y);
    mgraphics.show_text(fits);
}

function onclick(x, y) {
    var area = size(), row = shown.top + Math.floor((y - HEAD) / ROW);
    if (kind !== "audio" || y < HEAD || y > area[1] - FOOT || row >= shown.results.length) {
        return;
    }
    shown.chosen = row;
    redraw();
}

function ondblclick(x, y) {
    onclick(x, y);
    if (kind === "audio" && shown.chosen >= 0) {
        load_chosen();
    }
}

function onwheel(x, y, steps_x, steps_y) {
    var most = Math.max(0, shown.results.length - row_count(size()[1]));
    shown.top = Math.max(0, Math.min(most, shown.top - (steps_y > 0 ? 1 : -1)));
    redraw();
}
