"""BibTeX entries for the losses, used in the model cards that the Trainer writes."""

CITATIONS = {
    "infonce": """
@misc{oord2018representation,
    title = "Representation Learning with Contrastive Predictive Coding",
    author = "van den Oord, Aaron and Li, Yazhe and Vinyals, Oriol",
    year = "2018",
    url = "https://arxiv.org/abs/1807.03748",
}
""",
    "decoupled": """
@inproceedings{yeh2022decoupled,
    title = "Decoupled Contrastive Learning",
    author = "Yeh, Chun-Hsiao and Hong, Cheng-Yao and Hsu, Yen-Chi and Liu, Tyng-Luh and Chen, Yubei and LeCun, Yann",
    booktitle = "European Conference on Computer Vision",
    year = "2022",
    url = "https://arxiv.org/abs/2110.06848",
}
""",
    "gte": """
@misc{li2023towards,
    title = "Towards General Text Embeddings with Multi-stage Contrastive Learning",
    author = "Li, Zehan and Zhang, Xin and Zhang, Yanzhao and Long, Dingkun and Xie, Pengjun and Zhang, Meishan",
    year = "2023",
    url = "https://arxiv.org/abs/2308.03281",
}
""",
    "supcon": """
@inproceedings{khosla2020supervised,
    title = "Supervised Contrastive Learning",
    author = "Khosla, Prannay and Teterwak, Piotr and Wang, Chen and Sarna, Aaron and Tian, Yonglong and Isola, Phillip
        and Maschinot, Aaron and Liu, Ce and Krishnan, Dilip",
    booktitle = "Advances in Neural Information Processing Systems",
    year = "2020",
    url = "https://arxiv.org/abs/2004.11362",
}
""",
}
"""BibTeX by name of the loss."""

DROPOUT_VIEWS = """
@inproceedings{gao2021simcse,
    title = "SimCSE: Simple Contrastive Learning of Sentence Embeddings",
    author = "Gao, Tianyu and Yao, Xingcheng and Chen, Danqi",
    booktitle = "Empirical Methods in Natural Language Processing",
    year = "2021",
    url = "https://arxiv.org/abs/2104.08821",
}
"""
"""BibTeX for two dropout views of a text as positives."""
