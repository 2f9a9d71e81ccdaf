import Testing

/// A file's bytes from a header's text and the bytes behind it.
func safetensors(_ header: String, data: [UInt8] = []) -> [UInt8] {
    let length = UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8) + data
}

/// A file that the reader must refuse, and a part of what it must say.
struct MalformedFile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let message: String

    private init(_ name: String, _ bytes: [UInt8], _ message: String) {
        testDescription = name
        self.bytes = bytes
        self.message = message
    }

    static let all: [MalformedFile] = [
        .init("an empty file", [], "at least 10 bytes"),
        .init("a file of 9 bytes", Array(repeating: 0, count: 9), "at least 10 bytes"),
        .init("another format", Array("PK\u{3}\u{4} some zipped pickle".utf8), "a header length of"),
        .init("a header longer than the file", [3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d], "a header length of 3"),
        .init("a header over the limit", [1, 0xe1, 0xf5, 5, 0, 0, 0, 0, 0x7b, 0x7d], "a header length of 100000001"),
        .init("a header length over Int", Array(repeating: 255, count: 16), "a header length of 18446744073709551615"),
        .init("no JSON", safetensors("hello"), "expected '{', found 'h' at byte 0"),
        .init("JSON cut short", safetensors(#"{"a":{"dtype":"F32""#), "found the header's end"),
        .init("a text cut short", safetensors(#"{"a"#), "found the header's end"),
        .init("bytes after the object", safetensors("{} x"), "nothing but spaces"),
        .init("a foreign byte", safetensors("{\u{7f}"), "byte 0x7f at byte 1"),
        .init("a broken escape", safetensors(#"{"\x":1}"#), "an escape that JSON knows"),
        .init("a broken code point", safetensors(#"{"\u12g4":1}"#), "four hexadecimal digits"),
        .init("half a surrogate pair", safetensors(#"{"\ud800":1}"#), "surrogate pair"),
        .init("a lone low surrogate", safetensors(#"{"\udc00":1}"#), "a Unicode scalar"),
        .init("a control character in a text", safetensors("{\"a\n\":1}"), "without control characters"),
        .init("a tensor that is a number", safetensors(#"{"a":1}"#), "expected '{', found '1'"),
        .init("metadata that are not texts", safetensors(#"{"__metadata__":{"a":1}}"#), "expected '\"'"),
        .init(
            "a duplicate tensor",
            safetensors(
                #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
                data: [0, 0]), "`a` twice"
        ),
        .init("duplicate metadata", safetensors(#"{"__metadata__":{},"__metadata__":{}}"#), "`__metadata__` twice"),
        .init("a duplicate text", safetensors(#"{"__metadata__":{"k":"1","k":"2"}}"#), "`__metadata__.k` twice"),
        .init("a duplicate member", safetensors(#"{"a":{"dtype":"U8","dtype":"U8"}}"#), "`a.dtype` twice"),
        .init(
            "an unknown member", safetensors(#"{"a":{"type":"U8"}}"#),
            "tensor `a`: expected dtype, shape and data_offsets"
        ),
        .init(
            "a missing shape", safetensors(#"{"a":{"dtype":"U8","data_offsets":[0,0]}}"#), "tensor `a`: expected shape"),
        .init(
            "an unknown dtype", safetensors(tensor("F33", "[1]", "[0,4]"), data: [0, 0, 0, 0]), "a dtype of BOOL, U8"),
        .init(
            "a negative size", safetensors(tensor("F32", "[-1]", "[0,4]"), data: [0, 0, 0, 0]),
            "a whole number from 0 on"
        ),
        .init("a size over Int", safetensors(tensor("F32", "[99999999999999999999]", "[0,4]")), "a number below 2^63"),
        .init(
            "an impossible shape", safetensors(tensor("F32", "[4294967296,4294967296]", "[0,4]")), "a possible shape"),
        .init("offsets that fall", safetensors(tensor("F32", "[1]", "[4,0]")), "[begin, end], found [4, 0]"),
        .init("one offset", safetensors(tensor("F32", "[1]", "[4]")), "[begin, end], found [4]"),
        .init(
            "too few bytes for the shape", safetensors(tensor("F32", "[2]", "[0,4]"), data: [0, 0, 0, 0]),
            "expected 8 bytes"
        ),
        .init(
            "a file cut short", safetensors(tensor("F32", "[1]", "[0,4]"), data: [0, 0, 0]), "is the file truncated?"),
        .init(
            "bytes left over", safetensors(tensor("F32", "[1]", "[0,4]"), data: [0, 0, 0, 0, 0]),
            "expected 4 bytes behind the header, found 5"
        ),
        .init(
            "a hole at the start", safetensors(tensor("U8", "[1]", "[1,2]"), data: [0, 0]), "a hole: they begin at 1"),
        .init(
            "an overlap",
            safetensors(
                #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
                data: [0, 0, 0]), "tensor `b`: expected its bytes to begin at 2"
        ),
    ]

    private static func tensor(_ type: String, _ shape: String, _ offsets: String) -> String {
        #"{"a":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}}"#
    }
}
