import Datasets
import Foundation
import TestSupport
import Testing

@Suite("CIFAR files")
struct CIFARTests {
    /// A CIFAR-10 record of one value.
    private func record(_ label: UInt8, _ value: UInt8) -> [UInt8] { [label] + [UInt8](repeating: value, count: 3072) }

    @Test("whatever batches are there are read in number order")
    func batches() throws {
        let images = try ImageDataset.load(kind: .cifar10, folder: cifarFixture)
        #expect(images.count == 200)
        #expect(images.channels == 3 && images.size == 32 && images.classes == 10)
        #expect(images.classNames[3] == "cat")
        let first = try Array(Data(contentsOf: URL(fileURLWithPath: cifarFixture + "/data_batch_1.bin")))
        let third = try Array(Data(contentsOf: URL(fileURLWithPath: cifarFixture + "/data_batch_3.bin")))
        let records = first + third
        for image in [0, 1, 119, 120, 199] {
            let start = image * 3073
            #expect(images.labels[image] == records[start])
            #expect(images.pixels[(image * 3072)..<((image + 1) * 3072)] == records[(start + 1)..<(start + 3073)])
        }
    }

    @Test("the digest is SHA-256 of the four sizes, the pixels and the labels")
    func digest() throws {
        let images = try ImageDataset.load(kind: .cifar10, folder: cifarFixture)
        #expect(images.digest == "be4e94ddf41e685a103729cbb0ead43d88048e6a7ffdbcf719a4c8df87728b7d")
        let fewer = try ImageDataset.load(kind: .cifar10, folder: cifarFixture, limit: 199)
        #expect(fewer.digest != images.digest)
    }

    @Test("a limit takes the first images, across batches", arguments: [1, 119, 120, 121, 200])
    func limit(count: Int) throws {
        let all = try ImageDataset.load(kind: .cifar10, folder: cifarFixture)
        let some = try ImageDataset.load(kind: .cifar10, folder: cifarFixture, limit: count)
        #expect(some.labels == Array(all.labels.prefix(count)))
        #expect(some.pixels == Array(all.pixels.prefix(count * 3072)))
    }

    @Test("more images than there are is an error that tells how many there are")
    func tooMany() {
        #expect(
            throws: DatasetError.tooFew(folder: cifarFixture, asked: 201, found: 200),
            performing: { try ImageDataset.load(kind: .cifar10, folder: cifarFixture, limit: 201) })
        #expect(
            loadingError(.cifar10, cifarFixture, limit: 201)
                == "\(cifarFixture): 201 images were asked for, and there are 200; ask for at most 200")
        #expect(loadingError(.cifar10, cifarFixture, limit: 0) == "0 images were asked for; ask for 1 or more")
        #expect(loadingError(.cifar10, cifarFixture, limit: -1) == "-1 images were asked for; ask for 1 or more")
    }

    @Test("the folder that the archive unpacks to is found, test images and names too")
    func archiveFolder() throws {
        let folder = try TemporaryFolder()
        try folder.write(record(9, 7) + record(0, 8), to: "cifar-10-batches-bin/test_batch.bin")
        let names = (0..<10).map { "name \($0)" }
        try folder.write(
            Array((names.joined(separator: "\n") + "\n\n").utf8), to: "cifar-10-batches-bin/batches.meta.txt")
        let images = try ImageDataset.load(kind: .cifar10, folder: folder.path, split: .test)
        #expect(images.labels == [9, 0])
        #expect(images.pixels == [UInt8](repeating: 7, count: 3072) + [UInt8](repeating: 8, count: 3072))
        #expect(images.classNames == names)
        try folder.write(Array("a\nb\n".utf8), to: "cifar-10-batches-bin/batches.meta.txt")
        #expect(
            loadingError(.cifar10, folder.path, split: .test)?.hasSuffix("expected 10 names, one a line, found 2")
                == true)
    }

    @Test("CIFAR-100 gives the fine labels", arguments: ["", "cifar-100-binary/"])
    func cifar100(subfolder: String) throws {
        let folder = try TemporaryFolder()
        try folder.write([19] + record(99, 5) + [0] + record(1, 6), to: subfolder + "train.bin")
        try folder.write([19] + record(42, 5), to: subfolder + "test.bin")
        let images = try ImageDataset.load(kind: .cifar100, folder: folder.path)
        #expect(images.labels == [99, 1])
        #expect(images.pixels[3072] == 6)
        #expect(images.classes == 100)
        #expect(images.classNames[99] == "worm" && images.classNames[0] == "apple")
        #expect(try ImageDataset.load(kind: .cifar100, folder: folder.path, split: .test).labels == [42])
    }

    @Test("missing files are an error with the command that fetches them")
    func missing() throws {
        let folder = try TemporaryFolder()
        #expect(
            loadingError(.cifar10, folder("none"))
                == "\(folder("none")): there is no such folder; fetch it with `script/fetch-cifar10 \(folder("none"))`")
        #expect(
            loadingError(.cifar10, folder.path)
                == "\(folder.path): there is none of data_batch_1.bin ... data_batch_5.bin there, nor in "
                + "cifar-10-batches-bin; fetch it with `script/fetch-cifar10 \(folder.path)`")
        #expect(loadingError(.cifar10, folder.path, split: .test)?.contains("there is no test_batch.bin there") == true)
        #expect(loadingError(.cifar100, folder.path)?.contains("cifar-100-binary.tar.gz") == true)
        let file = try folder.write([1], to: "file")
        #expect(loadingError(.cifar10, file)?.contains("it is not a folder") == true)
    }

    @Test("a truncated, empty or foreign file is an error that names it", arguments: [0, 1, 3072, 3074, 2 * 3073 - 1])
    func truncated(size: Int) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write([UInt8](repeating: 0, count: size), to: "data_batch_2.bin")
        #expect(
            loadingError(.cifar10, folder.path)?.hasPrefix(
                "\(path): expected a multiple of 3073 bytes, one record each, found \(size) bytes") == true)
    }

    @Test("a label out of range is an error that names the record")
    func labels() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(record(9, 0) + record(10, 0), to: "data_batch_5.bin")
        #expect(
            loadingError(.cifar10, folder.path)
                == "\(path): expected labels from 0 to 9, found 10 in record 1 (counted from 0)")
        try folder.write([0] + record(100, 0), to: "train.bin")
        #expect(loadingError(.cifar100, folder.path)?.contains("labels from 0 to 99, found 100 in record 0") == true)
    }

    @Test("a folder in the place of a file is an error")
    func folderAsFile() throws {
        let folder = try TemporaryFolder()
        try folder.write([], to: "data_batch_1.bin/x")
        #expect(
            loadingError(.cifar10, folder.path)
                == "\(folder("data_batch_1.bin")): cannot be read: it is not a regular file")
    }
}
