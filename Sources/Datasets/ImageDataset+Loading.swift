extension ImageDataset {
    /// Reads a data set from its official files.
    ///
    /// CIFAR-10 and CIFAR-100 in the binary version (any subset of CIFAR-10's `data_batch_1.bin` ... `data_batch_5.bin`,
    /// in number order), in `folder` or in the folder that the official archive unpacks to; MNIST and Fashion-MNIST as
    /// IDX files, gzipped or not. Costs the data's memory and one pass over it.
    ///
    /// - Parameters:
    ///   - folder: for example `DatasetKind.defaultFolder`.
    ///   - limit: the first so many images; nil for all.
    /// - Throws: `DatasetError`.
    public static func load(
        kind: DatasetKind, folder: String, split: Split = .training, limit: Int? = nil
    ) throws(DatasetError) -> ImageDataset {
        if let limit, limit < 1 { throw .impossibleLimit(limit) }
        guard let isFolder = SourceFile.isFolder(folder) else {
            throw .missing(path: folder, what: "there is no such folder", remedy: kind.remedy(folder: folder))
        }
        guard isFolder else {
            throw .missing(path: folder, what: "it is not a folder", remedy: kind.remedy(folder: folder))
        }
        switch kind {
        case .cifar10, .cifar100:
            return try CIFARReader(kind: kind, folder: folder).read(split: split, limit: limit)
        case .mnist, .fashionMNIST:
            return try IDXReader(kind: kind, folder: folder).read(split: split, limit: limit)
        }
    }
}
