//! A corpus of bad files, each made here by code, and the good ones they were made from.

use std::io::Write as _;

use super::*;

/// A PDF of these objects; the table of places is not right, which no check here needs.
fn pdf(objects: &[&[u8]]) -> Vec<u8> {
    let mut octets = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for (at, object) in objects.iter().enumerate() {
        octets.extend_from_slice(format!("{} 0 obj\n", at + 1).as_bytes());
        octets.extend_from_slice(object);
        octets.extend_from_slice(b"\nendobj\n");
    }
    octets.extend_from_slice(b"trailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n");
    octets
}

fn zlib(clear: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(clear).unwrap();
    encoder.finish().unwrap()
}

/// An object that is packed data, with these keys.
fn stream(keys: &str, data: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {keys} /Length {} >>\nstream\n", data.len()).into_bytes();
    object.extend_from_slice(data);
    object.extend_from_slice(b"\nendstream");
    object
}

fn packed(keys: &str, clear: &[u8]) -> Vec<u8> {
    pdf(&[&stream(keys, &zlib(clear))])
}

const OBJECTS: &str = "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode";

fn png() -> Vec<u8> {
    let mut octets = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        octets.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
        octets.extend_from_slice(kind);
        octets.extend_from_slice(data);
        octets.extend_from_slice(&[0; 4]);
    };
    // 16 by 9, eight bits, grey.
    chunk(b"IHDR", &[0, 0, 0, 16, 0, 0, 0, 9, 8, 0, 0, 0, 0]);
    chunk(b"IDAT", &zlib(&[7; 153]));
    chunk(b"IEND", &[]);
    octets
}

fn jpeg() -> Vec<u8> {
    let mut octets = vec![0xff, 0xd8];
    octets.extend_from_slice(b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    // Start of frame: 8 bits, 9 by 16, one component.
    octets.extend_from_slice(b"\xff\xc0\x00\x0b\x08\x00\x09\x00\x10\x01\x01\x11\x00");
    octets.extend_from_slice(b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x12\x34\x56");
    octets.extend_from_slice(b"\xff\xd9");
    octets
}

fn tiff() -> Vec<u8> {
    let mut octets = b"II*\0\x08\0\0\0\x02\0".to_vec();
    octets.extend_from_slice(b"\x00\x01\x03\0\x01\0\0\0\x10\0\0\0");
    octets.extend_from_slice(b"\x01\x01\x03\0\x01\0\0\0\x09\0\0\0");
    octets.extend_from_slice(b"\0\0\0\0");
    octets
}

fn with(mut octets: Vec<u8>, more: &[u8]) -> Vec<u8> {
    octets.extend_from_slice(more);
    octets
}

fn cut(octets: &[u8], less: usize) -> Vec<u8> {
    octets[..octets.len() - less].to_vec()
}

fn bent(mut octets: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    octets[at] = value;
    octets
}

#[test]
fn good_files_are_taken_and_named_by_what_they_are() {
    let page = pdf(&[b"<< /Type /Catalog /OpenAction [2 0 R /Fit] /URI (https://example.org) >>"]);
    for (name, octets, media_type) in [
        ("Umowa.pdf", page.clone(), MediaType::Pdf),
        ("UMOWA.PDF", with(page, b"\r\n\0\0"), MediaType::Pdf),
        ("a.pdf", packed(OBJECTS, b"1 0 << /Type /Pages >>"), MediaType::Pdf),
        ("a.png", png(), MediaType::Png),
        ("a.jpg", jpeg(), MediaType::Jpeg),
        ("a.jpeg", jpeg(), MediaType::Jpeg),
        ("a.tif", tiff(), MediaType::Tiff),
        ("a.tiff", tiff(), MediaType::Tiff),
    ] {
        let upload = check(name, &octets).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(upload, Upload { name: name.to_owned(), media_type, has_signature: false });
    }
}

#[test]
fn what_the_program_itself_makes_is_taken() {
    use crate::documents::{KINDS, Language, Texts, Values, pdf};
    let texts = Texts::shipped();
    for kind in KINDS {
        let document = texts.render(kind, Language::Polish, &Values::sample(Language::Polish));
        let octets = pdf(&document.unwrap()).unwrap();
        assert!(!check("a.pdf", &octets).unwrap().has_signature);
    }
}

#[test]
fn a_signature_inside_is_seen() {
    let signature = b"<< /Type /Sig /SubFilter /adbe.pkcs7.detached /ByteRange [0 1 2 3] >>";
    assert!(check("a.pdf", &pdf(&[signature])).unwrap().has_signature);
    let field = b"<< /FT /Sig /T (here) >>";
    assert!(!check("a.pdf", &pdf(&[field])).unwrap().has_signature, "a field waits for one");
}

/// Pictures and names.
fn bad_pictures() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        ("nothing", "a.pdf", Vec::new()),
        ("no extension", "umowa", pdf(&[b"<< >>"])),
        ("a program by name", "umowa.exe", pdf(&[b"<< >>"])),
        ("a page by name", "umowa.pdf.html", pdf(&[b"<< >>"])),
        ("vector graphics", "a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
        ("a program called PDF", "a.pdf", b"MZ\x90\0\x03".to_vec()),
        ("an ELF called PNG", "a.png", b"\x7fELF\x02\x01\x01".to_vec()),
        ("a page called PDF", "a.pdf", b"<html><script>1</script></html>".to_vec()),
        ("an archive called PDF", "a.pdf", b"PK\x03\x04\x14\0".to_vec()),
        ("PNG called JPEG", "a.jpg", png()),
        ("JPEG called PNG", "a.png", jpeg()),
        ("PDF called TIFF", "a.tif", pdf(&[b"<< >>"])),
        ("GIF called PNG", "a.png", b"GIF89a\x01\0\x01\0".to_vec()),
        ("direction turned around", "umowa\u{202e}fdp.exe", pdf(&[b"<< >>"])),
        ("too large", "a.png", vec![0; OCTETS_MAX + 1]),
        ("PNG without its end", "a.png", cut(&png(), 12)),
        ("PNG cut in its last chunk", "a.png", cut(&png(), 2)),
        ("PNG with more behind", "a.png", with(png(), b"<?php 1 ?>")),
        ("PNG whose chunk is longer than the file", "a.png", bent(png(), 33, 0x7f)),
        ("PNG without a head", "a.png", bent(png(), 12, b'X')),
        ("PNG two thousand million wide", "a.png", bent(png(), 16, 0x7f)),
        ("PNG of no height", "a.png", bent(png(), 23, 0)),
        ("PNG that is an archive", "a.png", {
            let end = png();
            with(end, b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
        }),
        ("JPEG without its end", "a.jpg", cut(&jpeg(), 2)),
        ("JPEG with more behind", "a.jpg", with(jpeg(), b"MZ")),
        ("JPEG without a frame", "a.jpg", b"\xff\xd8\xff\xda\x00\x02\xff\xd9".to_vec()),
        ("JPEG whose segment is longer than the file", "a.jpg", bent(jpeg(), 4, 0xff)),
        ("JPEG of nothing", "a.jpg", b"\xff\xd8\xff\xd9".to_vec()),
        ("JPEG with a PDF in its comment", "a.jpg", {
            let rest = jpeg()[2..].to_vec();
            with(with(b"\xff\xd8\xff\xfe\x00\x0b%PDF-1.7\n".to_vec(), b""), &rest)
        }),
        ("JPEG with a page in its comment", "a.jpg", {
            let rest = jpeg()[2..].to_vec();
            with(b"\xff\xd8\xff\xfe\x00\x0a<ScRiPt>".to_vec(), &rest)
        }),
        ("TIFF without a directory", "a.tif", b"II*\0\x08\0\0\0".to_vec()),
        ("TIFF whose directory is elsewhere", "a.tif", bent(tiff(), 6, 0x10)),
        ("TIFF that leads back to itself", "a.tif", bent(tiff(), 34, 8)),
        ("TIFF with more entries than octets", "a.tif", bent(tiff(), 9, 0xff)),
        ("TIFF with an empty directory", "a.tif", bent(tiff(), 8, 0)),
        ("TIFF a million wide", "a.tif", bent(bent(tiff(), 12, 4), 20, 0x10)),
    ]
}

const SCRIPT: &[u8] = b"1 0 << /S /JavaScript /JS (app.alert(1)) >>";

fn hidden() -> Vec<u8> {
    // The dictionary stands before a comment that looks like the start of an object.
    let mut object = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode %obj\n".to_vec();
    object.extend_from_slice(b">>\nstream\r\n");
    object.extend_from_slice(&zlib(SCRIPT));
    object.extend_from_slice(b"\nendstream");
    pdf(&[&object])
}

fn bad_documents() -> Vec<(&'static str, Vec<u8>)> {
    let script = SCRIPT;
    let good = pdf(&[b"<< /Type /Catalog >>"]);
    vec![
        ("script", pdf(&[b"<< /OpenAction << /S /JavaScript /JS (1) >> >>"])),
        ("script without spaces", pdf(&[b"<</OpenAction<</S/JavaScript/JS(1)>>>>"])),
        ("script with an escaped name", pdf(&[b"<< /S /J#61v#61Script /JS (1) >>"])),
        ("script wholly escaped", pdf(&[b"<< /S /#4A#61#76#61#53#63#72#69#70#74 >>"])),
        ("script in a table of names", pdf(&[b"<< /Names << /JavaScript 3 0 R >> >>"])),
        ("script in a comment, for a table that leads there", pdf(&[b"%<< /S /JavaScript >>"])),
        ("script in packed objects", packed(OBJECTS, script)),
        ("script in objects packed by an escaped name", {
            packed("/Type /Obj#53tm /N 1 /F#69rst 4 /Filter /Fl#61teDecode", script)
        }),
        (
            "script in packed objects of no type",
            packed("/N 1 /First 4 /Filter /FlateDecode", script),
        ),
        ("script in packed objects behind a comment", hidden()),
        ("script in packed data that says nothing", packed("/Filter /FlateDecode", script)),
        (
            "script packed twice",
            packed("/Type /ObjStm /N 1 /First 4 /Filter [/ASCIIHexDecode /FlateDecode]", script),
        ),
        (
            "packed objects with a predictor",
            packed(
                "/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /DecodeParms << /Predictor 12 >>",
                script,
            ),
        ),
        ("packed objects in LZW", packed("/Type /ObjStm /First 4 /Filter /LZWDecode", script)),
        ("packed objects that cannot be unpacked", {
            pdf(&[&stream(OBJECTS, b"not packed at all")])
        }),
        ("packed objects that end too early", pdf(&[&stream(OBJECTS, &cut(&zlib(&[7; 999]), 5))])),
        ("a bomb of 17 MiB", packed(OBJECTS, &vec![b' '; 17 * 1024 * 1024])),
        ("four bombs, each small enough", {
            let one = stream(OBJECTS, &zlib(&vec![b' '; 15 * 1024 * 1024]));
            pdf(&[&one, &one, &one, &one, &one])
        }),
        ("start of a program", pdf(&[b"<< /S /Launch /F (cmd.exe) >>"])),
        ("start of a program, escaped", pdf(&[b"<< /S /L#61unch /F (cmd.exe) >>"])),
        ("embedded files", pdf(&[b"<< /Names << /EmbeddedFiles 2 0 R >> >>"])),
        ("an embedded file", pdf(&[b"<< /Type /EmbeddedFile >>"])),
        ("an embedded file without a type", pdf(&[b"<< /Type /Filespec /EF << /F 5 0 R >> >>"])),
        ("an embedded file by reference", pdf(&[b"<< /Type /Filespec /EF 5 0 R >>"])),
        ("an attachment", pdf(&[b"<< /Subtype /FileAttachment >>"])),
        ("a way into an embedded file", pdf(&[b"<< /S /GoToE >>"])),
        ("a film", pdf(&[b"<< /Subtype /RichMedia >>"])),
        ("a rendition", pdf(&[b"<< /S /Rendition /JS (1) >>"])),
        ("an XML form", pdf(&[b"<< /AcroForm << /XFA 4 0 R >> >>"])),
        ("a form that sends", pdf(&[b"<< /S /SubmitForm /F (https://example.org) >>"])),
        ("encrypted by reference", pdf(&[b"<< /Size 9 /Encrypt 8 0 R >>"])),
        ("encrypted in place", pdf(&[b"<< /Size 9 /Encrypt<</Filter/Standard>> >>"])),
        ("without its end", cut(&good, 30)),
        ("with a program behind", with(good.clone(), b"MZ\x90\0 this program")),
        ("with a page behind", with(good.clone(), b"<script>1</script>")),
        ("an archive too", with(good.clone(), b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")),
        ("with a page at its start", pdf(&[b"(<html><body onload=1>)"])),
        ("something before it", with(b"\n".to_vec(), &good)),
        ("of no version", with(b"%PDF-9.9\n".to_vec(), &good[9..])),
        ("of no objects", b"%PDF-1.7\nstartxref\n0\n%%EOF".to_vec()),
        ("of its first line", b"%PDF-1.7\n".to_vec()),
    ]
}

#[test]
fn every_bad_file_is_refused() {
    let pictures = bad_pictures();
    let documents = bad_documents();
    assert!(pictures.len() + documents.len() >= 40);
    for (what, name, octets) in pictures {
        assert!(check(name, &octets).is_err(), "{what} was taken");
    }
    for (what, octets) in documents {
        assert!(check("umowa.pdf", &octets).is_err(), "{what} was taken");
    }
}

#[test]
fn the_reason_tells_the_sender_what_to_do() {
    for (octets, fault) in [
        (pdf(&[b"<< /Encrypt 8 0 R >>"]), UploadFault::Encrypted),
        (pdf(&[b"<< /S /JavaScript >>"]), UploadFault::ActiveContent("JavaScript")),
        (packed(OBJECTS, &vec![b' '; 17 * 1024 * 1024]), UploadFault::Opaque),
        (png(), UploadFault::NotWhatItSays),
        (with(pdf(&[b"<< >>"]), b"MZ"), UploadFault::Polyglot),
    ] {
        assert_eq!(check("a.pdf", &octets).unwrap_err(), fault);
    }
    assert!(UploadFault::Encrypted.to_string().contains("without a password"));
}

#[test]
fn no_cut_and_no_bent_octet_makes_it_panic() {
    let signed =
        pdf(&[b"<< /Type /Sig /ByteRange [0 1] /A#4", &stream(OBJECTS, &zlib(b"1 0 <<>>"))]);
    for (name, octets) in
        [("a.pdf", signed), ("a.png", png()), ("a.jpg", jpeg()), ("a.tif", tiff())]
    {
        for at in 0..octets.len() {
            check(name, &octets[..at]).ok();
            for value in [0, 0x7f, 0xff] {
                check(name, &bent(octets.clone(), at, value)).ok();
            }
        }
    }
}
